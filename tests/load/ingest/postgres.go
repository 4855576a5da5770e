package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

const postgresName = "postgres"

// postgresTable has no index: an id that comes twice is stored twice.
const postgresTable = `DROP TABLE IF EXISTS clicks; CREATE TABLE clicks (event_id text, event text, time timestamptz, user_id text, properties jsonb)`

var postgresColumns = []string{"event_id", "event", "time", "user_id", "properties"}

type click struct {
	ID         string          `json:"event_id"`
	Name       string          `json:"event"`
	Time       time.Time       `json:"time"`
	UserID     string          `json:"user_id"`
	Properties json.RawMessage `json:"properties"`
}

func (c click) values() []any { return []any{c.ID, c.Name, c.Time, c.UserID, c.Properties} }

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
		var clicks []click
		if err := json.NewDecoder(r.Body).Decode(&clicks); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := conns.store(r.Context(), clicks); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		answer(w, len(clicks))
	})
}

func (p pool) store(ctx context.Context, clicks []click) error {
	conn := <-p
	defer func() { p <- conn }()
	if len(clicks) == 1 {
		_, err := conn.Exec(ctx, `INSERT INTO clicks VALUES ($1, $2, $3, $4, $5)`, clicks[0].values()...)
		return err
	}
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"clicks"}, postgresColumns, pgx.CopyFromSlice(len(clicks), func(i int) ([]any, error) {
		return clicks[i].values(), nil
	}))
	return err
}
