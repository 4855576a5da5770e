package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/tarnhq/tarn/shared/connector/postgres/postgrestest"
)

// orderTotals asks how many orders there are, and what they are worth.
func (p *process) orderTotals(t *testing.T) []any {
	t.Helper()
	var answer struct{ Rows [][]any }
	p.call(t, http.MethodPost, "/v1/query", map[string]any{"dataset": "orders", "measures": []any{"count", map[string]any{"op": "sum", "column": "amount"}}}, &answer)
	return answer.Rows[0]
}

// trueTotals asks the database itself.
func trueTotals(t *testing.T, source postgrestest.Server) []any {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), source.DSN("shop"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var count, sum float64
	if err := conn.QueryRow(t.Context(), "SELECT count(*)::float8, sum(amount)::float8 FROM orders").Scan(&count, &sum); err != nil {
		t.Fatal(err)
	}
	return []any{count, sum}
}

// sync orders syncs of the connector, all at a time, and waits for them.
func (p *process) sync(t *testing.T, n int) {
	t.Helper()
	var jobs []string
	for range n {
		var ordered struct {
			Job string `json:"job_id"`
		}
		p.call(t, http.MethodPost, "/v1/connectors/crm/sync", nil, &ordered)
		jobs = append(jobs, ordered.Job)
	}
	for _, id := range jobs {
		p.done(t, id)
	}
}

func TestADatabaseIsMirroredWhileTheServerIsKilled(t *testing.T) {
	source := postgrestest.Start(t)
	source.Create(t, "shop")
	source.Exec(t, "shop", `CREATE TABLE orders (id int PRIMARY KEY, placed timestamptz NOT NULL, amount int NOT NULL);
		INSERT INTO orders SELECT i, '2026-03-28'::timestamptz + i * interval '1 second', i % 100 FROM generate_series(1, 50000) i`)
	data := t.TempDir()
	t.Setenv("ALLOW_NETWORKS", "127.0.0.0/8")
	p := start(t, data)
	p.call(t, http.MethodPost, "/v1/connectors", map[string]any{"name": "crm", "kind": "postgres", "dsn": source.DSN("shop"),
		"tables": []any{map[string]any{"table": "public.orders", "dataset": "orders", "mode": "changes", "key": []string{"id"}, "time": "placed"}}}, nil)
	var found struct{ Tables []struct{ Table string } }
	p.call(t, http.MethodGet, "/v1/connectors/crm/tables", nil, &found)
	if diff := cmp.Diff([]struct{ Table string }{{"public.orders"}}, found.Tables); diff != "" {
		t.Errorf("tables, -want +got:\n%s", diff)
	}
	p.sync(t, 4)
	if diff := cmp.Diff(trueTotals(t, source), p.orderTotals(t)); diff != "" {
		t.Errorf("after four syncs at a time, -source +dataset:\n%s", diff)
	}
	for round := range 4 { // whatever it is doing then
		p.kill(t)
		source.Exec(t, "shop", fmt.Sprintf("UPDATE orders SET amount = amount + 1 WHERE id %% 7 = %d; DELETE FROM orders WHERE id %% 50 = %d", round, round))
		p = start(t, data)
		p.call(t, http.MethodPost, "/v1/connectors/crm/sync", nil, nil)
	}
	p.sync(t, 1)
	if diff := cmp.Diff(trueTotals(t, source), p.orderTotals(t)); diff != "" {
		t.Errorf("-source +dataset:\n%s", diff)
	}

	source.Exec(t, "shop", "DELETE FROM orders WHERE id > 40000")
	p.call(t, http.MethodPost, "/v1/schedules", map[string]any{"name": "soon", "at": time.Now().Add(time.Second),
		"job": map[string]any{"kind": "sync", "request": map[string]any{"connector": "crm"}}}, nil)
	p.done(t, p.fired(t, "soon"))
	if diff := cmp.Diff(trueTotals(t, source), p.orderTotals(t)); diff != "" {
		t.Errorf("after the schedule, -source +dataset:\n%s", diff)
	}
	var days struct{ Rows [][]any }
	p.call(t, http.MethodPost, "/v1/query", map[string]any{"dataset": "orders", "measures": []any{"count"}, "time": map[string]any{"grain": "day"}}, &days)
	if len(days.Rows) != 1 || days.Rows[0][0] != "2026-03-28T00:00:00Z" {
		t.Errorf("by day: %v", days.Rows)
	}
	p.call(t, http.MethodDelete, "/v1/connectors/crm", nil, nil)
}
