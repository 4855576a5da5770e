package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/tarnhq/tarn/tests/load/measure"
)

const postgresName = "postgres"

// pool keeps as many connections as the client has.
type pool chan *pgx.Conn

func newPool(ctx context.Context, dsn string, size int) (pool, error) {
	p := make(pool, size)
	for range size {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return nil, err
		}
		p <- conn
	}
	return p, nil
}

// servePostgres stores events the way that is usual: INSERT for one, COPY for more,
// answered after the commit.
func servePostgres(dsn string, connections int) error {
	conns, err := newPool(context.Background(), dsn, connections)
	if err != nil {
		return err
	}
	return listen(func(w http.ResponseWriter, r *http.Request) {
		var clicks []measure.Click
		if err := json.NewDecoder(r.Body).Decode(&clicks); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := conns.store(r.Context(), clicks); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		answer(w)
	})
}

func (p pool) store(ctx context.Context, clicks []measure.Click) error {
	conn := <-p
	defer func() { p <- conn }()
	if len(clicks) == 1 {
		_, err := conn.Exec(ctx, `INSERT INTO clicks VALUES ($1, $2, $3, $4, $5)`, clicks[0].Values()...)
		return err
	}
	return measure.CopyClicks(ctx, conn, clicks)
}
