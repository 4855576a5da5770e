package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/connector/postgres/postgrestest"
	"github.com/tarnhq/tarn/shared/outbound"
)

// TestATableOfPostgreSQLIsAskedOfAfterItsSync goes the way of a person who connects one,
// and looks for its password in every answer.
func TestATableOfPostgreSQLIsAskedOfAfterItsSync(t *testing.T) {
	source := postgrestest.Start(t)
	source.Exec(t, "postgres", `CREATE TABLE orders (id bigint PRIMARY KEY, country text, price numeric(10,2));
		INSERT INTO orders VALUES (1, 'CH', 19.90), (2, 'DE', 5), (3, 'CH', 0.10)`)
	w := newConnected(t)
	do := func(method, target, body string, want int) []byte {
		t.Helper()
		out := w.ask(method, target, w.keys[access.Editor], []byte(body), nil)
		if out.Code != want || strings.Contains(out.Body.String(), postgrestest.Password) {
			t.Fatalf("%s %s: %d %s", method, target, out.Code, out.Body)
		}
		return out.Body.Bytes()
	}
	orders := func(target string) {
		t.Helper()
		var ordered struct {
			JobID string `json:"job_id"`
		}
		if err := json.Unmarshal(do(http.MethodPost, target, "", http.StatusAccepted), &ordered); err != nil {
			t.Fatal(err)
		}
		w.followed(t, ordered.JobID)
	}
	sync := func() { t.Helper(); orders("/v1/connectors/crm/sync") }
	total := func(want string) {
		t.Helper()
		answer := do(http.MethodPost, "/v1/query", `{"dataset":"orders","measures":["count",{"name":"total","op":"sum","column":"price"}],"dimensions":["country"],"order":[{"by":"count","desc":true}]}`, http.StatusOK)
		if !strings.Contains(string(answer), `"rows":`+want) {
			t.Errorf("%s, want %s", answer, want)
		}
	}
	if found := string(do(http.MethodPost, "/v1/source-tables", fmt.Sprintf(`{"kind":"postgres","dsn":%q}`, source.DSN("postgres")), http.StatusOK)); !strings.Contains(found, `"table":"public.orders"`) {
		t.Errorf("discovered %s before there was a connector", found)
	}
	do(http.MethodPost, "/v1/source-tables", `{"kind":"postgres","dsn":"host=/tmp"}`, http.StatusBadRequest)
	do(http.MethodPost, "/v1/connectors", fmt.Sprintf(`{"name":"crm","kind":"postgres","dsn":%q,"tables":[{"table":"public.orders","dataset":"orders","mode":"changes","key":["id"]}]}`, source.DSN("postgres")), http.StatusCreated)
	do(http.MethodGet, "/v1/connectors/crm", "", http.StatusOK)
	do(http.MethodPost, "/v1/connectors/crm/test", "", http.StatusOK)
	if found := string(do(http.MethodGet, "/v1/connectors/crm/tables", "", http.StatusOK)); !strings.Contains(found, `"table":"public.orders"`) {
		t.Errorf("discovered %s", found)
	}
	if never := string(do(http.MethodGet, "/v1/connectors/crm", "", http.StatusOK)); strings.Contains(never, "last_sync") {
		t.Errorf("never synced: %s", never)
	}
	sync()
	if synced := string(do(http.MethodGet, "/v1/connectors", "", http.StatusOK)); !strings.Contains(synced, `"state":"done","rows":3`) {
		t.Errorf("synced: %s", synced)
	}
	total(`[["CH",2,20],["DE",1,5]]`)
	source.Exec(t, "postgres", `DELETE FROM orders WHERE id = 1; UPDATE orders SET price = 7 WHERE id = 2`)
	sync()
	total(`[["CH",1,0.1],["DE",1,7]]`)
	do(http.MethodPost, "/v1/schedules", `{"name":"hourly","cron":"0 * * * *","zone":"Europe/Zurich","job":{"kind":"sync","request":{"connector":"crm"}}}`, http.StatusCreated)
	do(http.MethodPost, "/v1/schedules", `{"name":"bad","cron":"0 * * * *","job":{"kind":"sync","request":{"connector":"nobody"}}}`, http.StatusNotFound)
	source.Exec(t, "postgres", `INSERT INTO orders VALUES (4, 'DE', 1)`)
	orders("/v1/schedules/hourly/run")
	total(`[["DE",2,8],["CH",1,0.1]]`)
	source.Exec(t, "postgres", `DELETE FROM orders WHERE id = 4`)
	sync()
	do(http.MethodDelete, "/v1/connectors/crm", "", http.StatusNoContent)
	source.Exec(t, "postgres", `DO $$ BEGIN
		IF EXISTS (SELECT FROM pg_replication_slots) OR EXISTS (SELECT FROM pg_publication) THEN RAISE 'something is left'; END IF; END $$`)
	total(`[["CH",1,0.1],["DE",1,7]]`)
	if found := string(do(http.MethodGet, "/v1/connectors", "", http.StatusOK)); strings.Contains(found, "crm") {
		t.Errorf("deleted, and listed: %s", found)
	}
}

// newConnected is a world that may call this machine.
func newConnected(t *testing.T) *world {
	t.Helper()
	loopback, err := outbound.ParseNetworks("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	dir, keys := workspace(t, foundedNow)
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: "http://localhost:8080", Log: slog.New(slog.DiscardHandler), Program: thisProgram(t), Networks: loopback})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{Handler: s.Handler(), keys: keys}
}

// followed waits for the end of a job, which must be done.
func (w *world) followed(t *testing.T, id string) {
	t.Helper()
	w.ask(http.MethodGet, "/v1/jobs/"+id+"/progress", w.keys[access.Owner], nil, nil)
	if out := w.ask(http.MethodGet, "/v1/jobs/"+id, w.keys[access.Owner], nil, nil); !strings.Contains(out.Body.String(), `"state":"done"`) {
		t.Fatalf("the job: %s", out.Body)
	}
}
