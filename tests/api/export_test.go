package api

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tarnhq/tarn/shared/access"
)

// exported is a job as GET /v1/jobs/{job_id} shows it.
type exported struct {
	State    string  `json:"state"`
	Progress float64 `json:"progress"`
	Rows     int64   `json:"rows"`
	Result   struct {
		URL   string `json:"url"`
		Rows  int64  `json:"rows"`
		Bytes int64  `json:"bytes"`
	} `json:"result"`
	Error any `json:"error"`
}

// export orders an export, follows it to its end and fetches the file.
func (w *world) export(t *testing.T, body string) (exported, []byte) {
	t.Helper()
	key := w.keys[access.Analyst]
	out := w.ask(http.MethodPost, "/v1/exports", key, []byte(body), nil)
	var made struct {
		ID string `json:"job_id"`
	}
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != http.StatusAccepted {
		t.Fatalf("%s: %d %s", body, out.Code, out.Body)
	}
	if events := w.ask(http.MethodGet, "/v1/jobs/"+made.ID+"/progress", key, nil, nil); !strings.Contains(events.Body.String(), `"state":"done"`) {
		t.Fatalf("%s: %s", body, events.Body)
	}
	var j exported
	read(t, w, "/v1/jobs/"+made.ID, &j)
	file := w.ask(http.MethodGet, strings.TrimPrefix(j.Result.URL, "http://localhost:8080"), "", nil, nil)
	if file.Code != http.StatusOK || int64(file.Body.Len()) != j.Result.Bytes || j.State != "done" || j.Progress != 1 {
		t.Fatalf("%s: %d, %d bytes, %+v", body, file.Code, file.Body.Len(), j)
	}
	return j, file.Body.Bytes()
}

func TestAnExportHasEveryRowHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create(t, w, "web")
	const events, users = 130_000, 110_000 // more than a query answers
	for begin := 0; begin < events; begin += 10_000 {
		var b bytes.Buffer
		for n := begin; n < begin+10_000; n++ {
			fmt.Fprintf(&b, `{"event":"e%d","event_id":"i%d","time":"2026-01-0%dT00:00:00Z","user_id":"u%d","properties":{"n":%d}}`+"\n", n%3, n, 1+n%5, n%users, n)
		}
		header := http.Header{"Content-Type": {"application/x-ndjson"}}
		if out := w.ask(http.MethodPost, "/v1/datasets/web/events", w.keys[access.Owner], b.Bytes(), header); out.Code != http.StatusOK {
			t.Fatal(out.Code, out.Body)
		} else {
			await(t, w, out.Header().Get("Tarn-Version"))
		}
	}

	t.Run("of a query, as CSV", func(t *testing.T) {
		j, file := w.export(t, `{"query":{"dataset":"web","measures":["count",{"name":"total","op":"sum","column":"n"}],"dimensions":["user_id"]},"format":"csv"}`)
		all, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
		if err != nil || len(all) != 1+users || j.Result.Rows != users || j.Rows != users {
			t.Fatalf("%d lines, %+v, %v", len(all), j, err)
		}
		count, sum := 0, 0
		for _, line := range all[1:] {
			c, _ := strconv.Atoi(line[1])
			s, _ := strconv.Atoi(line[2])
			count, sum = count+c, sum+s
		}
		if count != events || sum != events*(events-1)/2 {
			t.Errorf("the counts make %d, the sums %d", count, sum)
		}
	})
	t.Run("of rows, as NDJSON", func(t *testing.T) {
		j, file := w.export(t, `{"dataset":"web","columns":["n","event_id","time"],"filter":{"column":"event","op":"=","value":"e1"},"format":"ndjson"}`)
		seen := map[int]bool{}
		for line := range strings.Lines(string(file)) {
			var row struct {
				N    int    `json:"n"`
				ID   string `json:"event_id"`
				Time string `json:"time"`
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil || row.ID != fmt.Sprint("i", row.N) || row.N%3 != 1 || row.Time != fmt.Sprintf("2026-01-0%dT00:00:00Z", 1+row.N%5) {
				t.Fatalf("%v: %s", err, line)
			}
			seen[row.N] = true
		}
		if want := 43_333; len(seen) != want || j.Result.Rows != int64(want) {
			t.Errorf("%d rows, %+v", len(seen), j)
		}
	})
	t.Run("of rows of a time, as XLSX", func(t *testing.T) {
		_, file := w.export(t, `{"dataset":"web","columns":["n"],"time":{"from":"2026-01-02T00:00:00Z","to":"2026-01-03T00:00:00Z"},"format":"xlsx"}`)
		book, err := excelize.OpenReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close()
		rows, err := book.GetRows("Sheet1")
		if err != nil || len(rows) != 1+events/5 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
	t.Run("of all columns, as Parquet", func(t *testing.T) {
		j, file := w.export(t, `{"dataset":"web","format":"parquet"}`)
		if j.Result.Rows != events || !bytes.HasPrefix(file, []byte("PAR1")) {
			t.Errorf("%+v", j)
		}
	})
	t.Run("twice with one key, is one job", func(t *testing.T) {
		var ids []string
		for range 2 {
			out := w.ask(http.MethodPost, "/v1/exports", w.keys[access.Analyst], []byte(`{"dataset":"web","columns":["n"],"format":"csv","idempotency_key":"k"}`), nil)
			ids = append(ids, out.Body.String())
		}
		if ids[0] != ids[1] {
			t.Errorf("%v", ids)
		}
	})
}

// TestAnExportAnswersNamesAsAQueryDoes exports what names mean, and again under the same
// key once they mean something else.
func TestAnExportAnswersNamesAsAQueryDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create(t, w, "web")
	events := `[{"event":"buy","user_id":"u1","properties":{"n":1,"url":"/a"}},{"event":"view","user_id":"u1","properties":{"n":2,"url":"/b"}},
		{"event":"view","user_id":"u2","properties":{"n":4,"url":"/a"}}]`
	out := w.ask(http.MethodPost, "/v1/datasets/web/events", w.keys[access.Owner], []byte(events), nil)
	await(t, w, out.Header().Get("Tarn-Version"))
	define := func(name, body string) {
		t.Helper()
		if out := w.ask(http.MethodPut, "/v1/datasets/web/definitions/"+name, w.keys[access.Owner], []byte(body), nil); out.Code != http.StatusOK {
			t.Fatal(out.Code, out.Body)
		}
	}
	define("income", `{"measure":{"op":"sum","column":"n"}}`)
	define("page", `{"dimension":{"column":"url"}}`)
	define("buyers", `{"query":{"kind":"audience","where":{"column":"event","op":"=","value":"buy"}}}`)

	const query = `{"dataset":"web","measures":["count","income",{"name":"mean","expr":"income / count"}],"dimensions":["page"],"filter":{"audience":"buyers"}}`
	answer := func() string {
		return w.ask(http.MethodPost, "/v1/query?format=csv", w.keys[access.Analyst], []byte(query), nil).Body.String()
	}
	before := answer()
	if want := "page,count,income,mean\r\n/a,1,1,1\r\n/b,1,2,2\r\n"; before != want {
		t.Fatalf("the query answers %q, want %q", before, want)
	}
	order := `{"query":` + query + `,"format":"csv","idempotency_key":"k"}`
	if _, file := w.export(t, order); string(file) != before {
		t.Errorf("the export has %q, the query answers %q", file, before)
	}
	if _, file := w.export(t, `{"dataset":"web","columns":["page","n"],"filter":{"column":"n","op":"<","value":2},"format":"csv"}`); string(file) != "page,n\r\n/a,1\r\n" {
		t.Errorf("the rows are %q", file)
	}
	define("income", `{"measure":{"op":"max","column":"n"}}`)
	define("buyers", `{"query":{"kind":"audience","where":{"column":"event","op":"=","value":"view"}}}`)
	if _, file := w.export(t, order); string(file) != before {
		t.Errorf("ordered with the same key, it has %q", file)
	}
	if _, file := w.export(t, strings.Replace(order, `"k"`, `"other"`, 1)); string(file) != answer() || string(file) == before {
		t.Errorf("ordered anew, it has %q; the query answers %q", file, answer())
	}
}

func TestAnExportThatCannotSucceedIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create(t, w, "web")
	for body, code := range map[string]int{
		`{"dataset":"absent","format":"csv"}`:                                                   http.StatusNotFound,
		`{"dataset":"web","columns":["absent"],"format":"csv"}`:                                 http.StatusBadRequest,
		`{"query":{"dataset":"web","measures":[{"op":"sum","column":"event"}]},"format":"csv"}`: http.StatusBadRequest,
		`{"query":{"dataset":"web","measures":["count"]},"dataset":"web","format":"csv"}`:       http.StatusBadRequest,
		`{"dataset":"web","format":"pdf"}`:                                                      http.StatusBadRequest,
		`{"dataset":"web","format":"csv","idempotency_key":"` + strings.Repeat("k", 300) + `"}`: http.StatusBadRequest,
		`{"dataset":"web","columns":["` + strings.Repeat("x", 1<<20) + `"],"format":"csv"}`:     http.StatusRequestEntityTooLarge,
	} {
		out := w.ask(http.MethodPost, "/v1/exports", w.keys[access.Analyst], []byte(body), nil)
		if out.Code != code {
			t.Errorf("%.120s: %d %s", body, out.Code, out.Body)
		}
		problemOf(t, out)
	}
}

// await returns once a query sees what an ingest answer tells of.
func await(t *testing.T, w *world, version string) {
	t.Helper()
	awaitIn(t, w, "web", version)
}

func awaitIn(t *testing.T, w *world, name, version string) {
	t.Helper()
	body := `{"dataset":"` + name + `","measures":["count"],"wait_for":"` + version + `"}`
	if out := w.ask(http.MethodPost, "/v1/query", w.keys[access.Owner], []byte(body), nil); out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body)
	}
}
