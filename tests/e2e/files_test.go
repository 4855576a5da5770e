package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// orders is a file as people send them: a byte order mark, decimal commas, days first,
// and two lines that are no orders.
const orders = "\ufeffid;placed;amount;country\r\n1;31.12.2025;1,50;CH\r\n2;13.01.2026;20;DE\r\n3;14.01.2026;0,25;CH;more\r\n4;15.01.2026;3;\"A\r\nT\"\r\n5;16.01.2026\r\n"

type loadedRows struct {
	Loaded, Quarantined, Replaced int64
	Already                       bool
}

// loadRows posts a small file.
func (p *process) loadRows(t *testing.T, query, contentType, body string) (out loadedRows) {
	t.Helper()
	a, err := p.do(t.Context(), http.MethodPost, "/v1/datasets/orders/rows"+query, http.Header{"Content-Type": {contentType}}, []byte(body))
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s %v", a.status, a.body, err)
	}
	if err := json.Unmarshal(a.body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSmallFilesAreLoadedAsTheyAreSent(t *testing.T) {
	p := start(t, t.TempDir())
	p.call(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "orders", "kind": "table"}, nil)
	if diff := cmp.Diff(loadedRows{Loaded: 3, Quarantined: 2}, p.loadRows(t, "", "text/csv", orders)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(loadedRows{Loaded: 3, Quarantined: 2, Already: true}, p.loadRows(t, "", "text/csv", orders)); diff != "" {
		t.Errorf("again: %s", diff)
	}
	var q struct {
		Events []struct {
			EventID string `json:"event_id"`
			Code    string
			Raw     string
		}
	}
	p.call(t, http.MethodGet, "/v1/datasets/orders/quarantine", nil, &q)
	if len(q.Events) != 2 || q.Events[1].EventID != "rows:4" || q.Events[0].EventID != "rows:7" || !strings.Contains(q.Events[1].Raw, "more") {
		t.Errorf("in quarantine: %+v", q.Events)
	}
	if a, err := p.do(t.Context(), http.MethodPost, "/v1/datasets/orders/quarantine/replay", nil, nil); err != nil || a.status != http.StatusBadRequest {
		t.Errorf("a replay into a table: %d %s %v", a.status, a.body, err)
	}
	sum := func() []any {
		var answer struct{ Rows [][]any }
		p.call(t, http.MethodPost, "/v1/query", map[string]any{"dataset": "orders", "measures": []any{"count", map[string]any{"op": "sum", "column": "amount"}}}, &answer)
		return answer.Rows[0]
	}
	if diff := cmp.Diff([]any{3.0, 24.5}, sum()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(loadedRows{Loaded: 2, Replaced: 1}, p.loadRows(t, "?mode=upsert&key=id", "application/x-ndjson", `{"id": 2, "amount": 30}`+"\n"+`{"id": 6, "amount": 100}`+"\n")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{4.0, 134.5}, sum()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(loadedRows{Loaded: 1, Replaced: 4}, p.loadRows(t, "?mode=replace", "application/json", `[{"id": 9, "amount": 1}]`)); diff != "" {
		t.Error(diff)
	}
	if b := p.books(t, "orders"); b.Visible != 1 || b.Stored != 6 || b.Erased != 5 || b.Quarantined != 0 || b.Dropped != 2 {
		t.Errorf("the ledger: %+v", b)
	}
}

func TestATableIsAskedByTheTimesOfItsTimeColumn(t *testing.T) {
	p := start(t, t.TempDir())
	p.call(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "orders", "kind": "table", "settings": map[string]any{"time_column": "placed"}}, nil)
	p.loadRows(t, "", "text/csv", orders)
	var answer struct{ Rows [][]any }
	p.call(t, http.MethodPost, "/v1/query", map[string]any{"dataset": "orders", "measures": []any{"count"},
		"time": map[string]any{"grain": "month", "from": "2025-11-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "fill": true}}, &answer)
	if diff := cmp.Diff([][]any{{"2025-11-01T00:00:00Z", 0.0}, {"2025-12-01T00:00:00Z", 1.0}, {"2026-01-01T00:00:00Z", 2.0}}, answer.Rows); diff != "" {
		t.Error(diff)
	}
}

func TestALargeFileIsUploadedLookedAtAndLoadedByAJob(t *testing.T) {
	p := start(t, t.TempDir())
	p.call(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "orders", "kind": "table"}, nil)
	p.create(t, "web")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "event_id,event,time,user_id,price\n")
	const n = 20_000
	for i := range n {
		_, _ = fmt.Fprintf(z, "v%d,viewed,2026-01-%02dT10:00:00Z,u%d,%d.5\n", i, 1+i%28, i%100, i%7)
	}
	_, _ = io.WriteString(z, "ragged\n")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"orders", "web"} {
		for _, again := range []bool{false, true} {
			var place struct {
				File string `json:"file_id"`
				URL  string `json:"upload_url"`
			}
			p.call(t, http.MethodPost, "/v1/datasets/"+name+"/files", map[string]any{"name": "visits.csv.gz"}, &place)
			put, err := http.NewRequestWithContext(t.Context(), http.MethodPut, place.URL, bytes.NewReader(packed.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(put)
			if err != nil || answer.StatusCode/100 != 2 {
				t.Fatal(answer, err)
			}
			_ = answer.Body.Close()
			var look struct {
				Columns []struct{ Name, Type string }
				Rows    [][]any
			}
			p.call(t, http.MethodGet, "/v1/datasets/"+name+"/files/"+place.File+"/preview?rows=2", nil, &look)
			if len(look.Rows) != 2 || len(look.Columns) != 5 || look.Columns[2].Type != "time" || look.Columns[4].Type != "float" {
				t.Errorf("the preview of %s: %+v", name, look)
			}
			var job struct {
				Job string `json:"job_id"`
			}
			p.call(t, http.MethodPost, "/v1/datasets/"+name+"/files/"+place.File+"/load", nil, &job)
			p.done(t, job.Job)
			var done struct{ Result loadedRows }
			p.call(t, http.MethodGet, "/v1/jobs/"+job.Job, nil, &done)
			if want := (loadedRows{Loaded: n, Quarantined: 1, Already: again && name == "orders"}); done.Result != want {
				t.Errorf("%s: %+v, want %+v", name, done.Result, want)
			}
		}
	}
	p.settled(t, "web", 2*(n+1))
	if b := p.books(t, "web"); b.Visible != n || b.Duplicate != n || b.Quarantined != 2 {
		t.Errorf("the ledger of events: %+v", b)
	}
	if b := p.books(t, "orders"); b.Visible != n || b.Quarantined != 1 {
		t.Errorf("the ledger of the table: %+v", b)
	}
}

func TestALargeFileGoesInPartsAndOnWhereItBrokeOff(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	p.call(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "orders", "kind": "table"}, nil)
	var content bytes.Buffer
	content.WriteString("id,amount\n")
	n := 0
	for ; content.Len() < 5<<20; n++ {
		fmt.Fprintf(&content, "%d,%d\n", n, n%100)
	}
	type part struct {
		Offset, Length int64
		URL            string `json:"upload_url"`
	}
	var place struct {
		File    string `json:"file_id"`
		Uploads []part
	}
	p.call(t, http.MethodPost, "/v1/datasets/orders/files", map[string]any{"name": "orders.csv", "size": content.Len(), "part_size": 1 << 20}, &place)
	send := func(u part) {
		put, err := http.NewRequestWithContext(t.Context(), http.MethodPut, u.URL, bytes.NewReader(content.Bytes()[u.Offset:u.Offset+u.Length]))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(put)
		if err != nil || answer.StatusCode/100 != 2 {
			t.Fatal(answer, err)
		}
		_ = answer.Body.Close()
	}
	if len(place.Uploads) != 6 {
		t.Fatalf("%d parts", len(place.Uploads))
	}
	for _, u := range place.Uploads[2:5] {
		send(u)
	}
	if a, err := p.do(t.Context(), http.MethodPost, "/v1/datasets/orders/files/"+place.File+"/load", nil, nil); err != nil || a.status != http.StatusNotFound {
		t.Errorf("half a file is loaded: %d %s %v", a.status, a.body, err)
	}
	p.kill(t)
	p = start(t, data)
	at := "/v1/datasets/orders/files/" + place.File
	p.call(t, http.MethodGet, at+"/uploads", nil, &place)
	if len(place.Uploads) != 3 {
		t.Fatalf("after a crash %d parts are missing", len(place.Uploads))
	}
	for _, u := range place.Uploads {
		send(u)
	}
	var job struct {
		Job string `json:"job_id"`
	}
	p.call(t, http.MethodPost, at+"/load", nil, &job)
	p.done(t, job.Job)
	var done struct{ Result loadedRows }
	p.call(t, http.MethodGet, "/v1/jobs/"+job.Job, nil, &done)
	if want := (loadedRows{Loaded: int64(n)}); done.Result != want {
		t.Errorf("%+v, want %+v", done.Result, want)
	}
}
