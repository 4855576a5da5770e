package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/tests/load/measure"
)

// loadPostgres starts PostgreSQL with the same events, made anew from the same seed.
func loadPostgres(ctx context.Context, dir string, o options) (*postgres, error) {
	server, err := measure.StartPostgres(ctx, filepath.Join(dir, "postgres"))
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, server.DSN)
	if err != nil {
		return nil, err
	}
	p := &postgres{server: server, conn: conn, source: measure.NewVisits(1, max(1000, o.events/50))}
	began := time.Now()
	if _, err := conn.Exec(ctx, postgresTable); err != nil {
		return nil, err
	}
	for day := range days {
		if err := p.copy(ctx, p.source.Days(day, 1, o.events/days)); err != nil {
			return nil, err
		}
	}
	if err := p.copy(ctx, p.source.Days(days-1, 1, o.tail)); err != nil {
		return nil, err
	}
	for _, statement := range postgresIndexes {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return nil, err
		}
	}
	fmt.Printf("%s: loaded in %v\n", server.Version, time.Since(began).Round(time.Second))
	return p, nil
}

// catchUp stores the events that came since.
func (p *postgres) catchUp(ctx context.Context, n int) error {
	if err := p.copy(ctx, p.source.Days(days-1, 1, n/100)); err != nil {
		return err
	}
	_, err := p.conn.Exec(ctx, "VACUUM ANALYZE f")
	return err
}

// postgres is PostgreSQL with the events in a table with the indexes that its users
// would make.
type postgres struct {
	server *measure.Postgres
	conn   *pgx.Conn
	source *measure.Visits
}

const postgresTable = `CREATE TABLE f (event_id uuid, event text, time timestamp, user_id text, session_id text, p_country text, p_device text, p_url text, p_revenue float8, p_detail jsonb)`

var postgresIndexes = []string{"CREATE INDEX ON f (time)", "CREATE INDEX ON f (user_id, time)", "CREATE INDEX ON f (event, user_id, time)", "VACUUM ANALYZE f"}

func (p *postgres) cpu() (time.Duration, error) { return p.server.CPU() }

func (p *postgres) ask(ctx context.Context, q question) ([][]string, error) {
	statement := q.sql
	if q.postgres != "" {
		statement = q.postgres
	}
	if strings.Contains(statement, "quantile_cont") {
		statement = strings.Replace(statement, "quantile_cont(p_revenue, 0.95)", "percentile_cont(0.95) WITHIN GROUP (ORDER BY p_revenue)", 1)
	}
	found, err := p.conn.Query(ctx, written(statement, "f", "time::date"))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) ([]string, error) {
		values, err := row.Values()
		return texts(values), err
	})
}

// copy stores a batch of events.
func (p *postgres) copy(ctx context.Context, b rows.Batch) error {
	at := func(i int) ([]any, error) {
		text := func(column int) string { return string(b.Columns[column].Text(i)) }
		return []any{text(rows.EventID), text(rows.Event), time.UnixMicro(b.Columns[rows.Time].Ints[i]).UTC(), text(rows.UserID), text(rows.SessionID),
			text(rows.FirstProperty), text(rows.FirstProperty + 1), text(rows.FirstProperty + 2), b.Columns[rows.FirstProperty+3].Float[i], text(rows.FirstProperty + 4)}, nil
	}
	_, err := p.conn.CopyFrom(ctx, pgx.Identifier{"f"}, []string{"event_id", "event", "time", "user_id", "session_id", "p_country", "p_device", "p_url", "p_revenue", "p_detail"},
		pgx.CopyFromSlice(b.Len, at))
	return err
}
