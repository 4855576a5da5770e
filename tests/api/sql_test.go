package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/sqlrun"
)

// TestMain lets the server start this program for a statement.
func TestMain(m *testing.M) {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	debug.SetGCPercent(800) // each test opens a server, and few keep anything
	code := m.Run()
	if dir, err := foundings(); err == nil {
		_ = os.RemoveAll(dir) // what stays is in the folder for what is temporary
	}
	os.Exit(code)
}

// thisProgram is what runs statements.
func thisProgram(t testing.TB) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func newRunner(t *testing.T, blobs blob.Store) *sqlrun.Runner {
	t.Helper()
	files, err := local.New(blobs, t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sqlrun.New(sqlrun.Config{Program: thisProgram(t), Files: files})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// sqlWorld is a server with two datasets of few events.
func sqlWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for name, events := range map[string]string{
		"web":  `[{"event_id":"1","event":"view","time":"2026-01-01T00:00:00Z","user_id":"u1","properties":{"price":1}},{"event_id":"2","event":"buy","time":"2026-01-02T03:04:05.678Z","user_id":"u1","properties":{"price":2}}]`,
		"shop": `[{"event_id":"3","event":"sale","time":"2026-01-01T00:00:00Z","user_id":"u1"}]`,
	} {
		create(t, w, name)
		if out := w.ask(http.MethodPost, "/v1/datasets/"+name+"/events", w.keys[access.Owner], []byte(events), nil); out.Code != http.StatusOK {
			t.Fatal(out.Code, out.Body)
		}
		accounted(t, w, name, int64(strings.Count(events, "event_id")))
	}
	return w
}

func (w *world) sql(t *testing.T, key, query, sql string, parameters any) (int, http.Header, string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"sql": sql, "parameters": parameters})
	if err != nil {
		t.Fatal(err)
	}
	out := w.ask(http.MethodPost, "/v1/sql"+query, key, body, nil)
	return out.Code, out.Header(), out.Body.String()
}

func TestSQLIsAnsweredAsAQueryIs(t *testing.T) {
	t.Parallel()
	w := sqlWorld(t)
	for claim, c := range map[string]struct {
		sql        string
		parameters any
		want       string
	}{
		"groups": {"select event, count(*) as n, sum(price) as revenue from web group by 1 order by 1", nil,
			`{"columns":[{"name":"event","type":"text"},{"name":"n","type":"int"},{"name":"revenue","type":"int"}],"rows":[["buy",1,2],["view",1,1]],"version":`},
		"times": {"select time from web order by time desc limit 1", nil,
			`{"columns":[{"name":"time","type":"timestamp"}],"rows":[["2026-01-02T03:04:05.678Z"]],"version":`},
		"parameters by place": {"select event_id from web where price = ? and time >= ?", []any{1, "2026-01-01T00:00:00Z"},
			`{"columns":[{"name":"event_id","type":"text"}],"rows":[["1"]],"version":`},
		"parameters by name": {"select event_id, $y as y from web where price = $x", map[string]any{"x": 2, "y": true},
			`{"columns":[{"name":"event_id","type":"text"},{"name":"y","type":"bool"}],"rows":[["2",true]],"version":`},
		"several datasets": {"select web.event, shop.event as other from web join shop using (user_id) order by 1", nil,
			`{"columns":[{"name":"event","type":"text"},{"name":"other","type":"text"}],"rows":[["buy","sale"],["view","sale"]],"versions":{"shop":`},
		"no dataset": {"select 1 as x, date '2026-01-01' as d, 1.50 as p, [1, 2] as l", nil,
			`{"columns":[{"name":"x","type":"int"},{"name":"d","type":"date"},{"name":"p","type":"decimal"},{"name":"l","type":"json"}],"rows":[[1,"2026-01-01",1.50,"[1,2]"]],"versions":{},`},
		"as many rows as there may be": {"select count(*) from (select * from range(100001) limit 100001) as t", nil, `{"columns":[{"name":"count_star()","type":"int"}],"rows":[[100001]]`},
	} {
		code, _, body := w.sql(t, w.keys[access.Viewer], "", c.sql, c.parameters)
		if code != http.StatusOK || !strings.HasPrefix(body, c.want) {
			t.Errorf("%s: %d %s\nwant %s", claim, code, body, c.want)
		}
	}
	code, _, body := w.sql(t, w.keys[access.Viewer], "", "select range from range(200000)", nil)
	if code != http.StatusOK || strings.Count(body, "[") != 100_002 || !strings.Contains(body, `"truncated":true`) {
		t.Errorf("past the limit: %d with %d rows", code, strings.Count(body, "[")-2)
	}
}

func TestSQLIsAnsweredInEveryFormat(t *testing.T) {
	t.Parallel()
	w := sqlWorld(t)
	for format, c := range map[string]struct{ mediaType, prefix string }{
		"json":    {"application/json", `{"columns":`},
		"csv":     {"text/csv; charset=utf-8; header=present", "event,price\r\nbuy,2\r\nview,1\r\n"},
		"arrow":   {"application/vnd.apache.arrow.stream", "\xff\xff\xff\xff"},
		"parquet": {"application/vnd.apache.parquet", "PAR1"},
	} {
		code, header, body := w.sql(t, w.keys[access.Viewer], "?format="+format, "select event, price from web order by 1", nil)
		if code != http.StatusOK || header.Get("Content-Type") != c.mediaType || !strings.HasPrefix(body, c.prefix) {
			t.Errorf("%s: %d %s %.60q", format, code, header.Get("Content-Type"), body)
		}
	}
}

func TestACallerSeesTheirDatasetsAlone(t *testing.T) {
	t.Parallel()
	w := sqlWorld(t)
	bound := w.newKey(t, map[string]any{"name": "web alone", "role": "viewer", "dataset": "web"})
	for claim, c := range map[string]struct {
		key, sql string
		status   int
		code     string
	}{
		"its own":                        {bound, "select count(*) from web", 200, ""},
		"no dataset at all":              {bound, "select 1", 200, ""},
		"another one":                    {bound, "select count(*) from shop", 403, "denied"},
		"another one within":             {bound, "select (select count(*) from shop) from web", 403, "denied"},
		"another one joined":             {bound, "with a as (select * from shop) select * from web, a", 403, "denied"},
		"one that is not there":          {bound, "select count(*) from absent", 403, "denied"},
		"one that is not there, for all": {w.keys[access.Viewer], "select count(*) from absent", 404, "dataset_not_found"},
		"who may only send":              {w.keys[access.Producer], "select 1", 403, "denied"},
		"nobody":                         {"", "select 1", 401, "unauthenticated"},
		"the views of the catalogue":     {w.keys[access.Owner], "select * from duckdb_tables", 404, "dataset_not_found"},
		"the catalogue by its old name":  {w.keys[access.Owner], "select * from sqlite_master", 404, "dataset_not_found"},
		"the tables beneath":             {w.keys[access.Owner], "select * from tail_web_0", 404, "dataset_not_found"},
		"a column that was not there":    {w.keys[access.Owner], "select nothing from web", 400, "sql_error"},
		"a parameter too few":            {w.keys[access.Owner], "select ?", 400, "sql_parameter"},
	} {
		code, _, body := w.sql(t, c.key, "", c.sql, nil)
		if code != c.status || c.code != "" && !strings.Contains(body, `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s", claim, code, body)
		}
		if strings.Contains(body, os.TempDir()) || strings.Contains(body, "datasets.") {
			t.Errorf("%s tells how it is done: %s", claim, body)
		}
	}
}

func TestAttacksAreRefusedOverHTTP(t *testing.T) {
	t.Parallel()
	corpus, err := os.ReadFile(filepath.Join("..", "..", "shared", "sqlgate", "testdata", "attacks.txt"))
	if err != nil {
		t.Fatal(err)
	}
	w := sqlWorld(t)
	seen := map[string]bool{}
	for line := range strings.Lines(string(corpus)) {
		code, sql, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || seen[code] {
			continue
		}
		seen[code] = true
		status, _, body := w.sql(t, w.keys[access.Owner], "", strings.ReplaceAll(sql, `\n`, "\n"), nil)
		var p struct{ Code string }
		if err := json.Unmarshal([]byte(body), &p); err != nil || status != http.StatusBadRequest || p.Code != code {
			t.Errorf("%s: %d %s", sql, status, body)
		}
	}
	if len(seen) < 8 {
		t.Errorf("there are %d codes", len(seen))
	}
}

func TestQueriesAreAnsweredWhileABombEnds(t *testing.T) {
	t.Parallel()
	w := sqlWorld(t)
	for _, bomb := range []string{"select length(repeat('x', 4000000000))", "select list_sum(list_transform(range(300000000), lambda x: x + 1))"} {
		ended := make(chan string, 1)
		go func() {
			body, _ := json.Marshal(map[string]string{"sql": bomb}) // texts cannot fail
			ended <- w.ask(http.MethodPost, "/v1/sql", w.keys[access.Viewer], body, nil).Body.String()
		}()
		for answered := 0; answered == 0 || len(ended) == 0; answered++ {
			out := w.ask(http.MethodPost, "/v1/query", w.keys[access.Viewer], []byte(`{"dataset":"web","measures":["count"],"dimensions":["user_id"]}`), nil)
			if out.Code != http.StatusOK || !strings.Contains(out.Body.String(), `"rows":[["u1",2]]`) {
				t.Fatalf("%d %s", out.Code, out.Body)
			}
		}
		if body := <-ended; !strings.Contains(body, `"code":"out_of_memory"`) {
			t.Errorf("%s: %s", bomb, body)
		}
	}
}

func TestABadBodyIsToldSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, code := range map[string]string{
		`{"sql":"select 1","parameters":{"a":[]}}`:                         "sql_parameter",
		`{"sql":"select 1","parameters":"x"}`:                              "sql_parameter",
		`{"sql":"select ?","parameters":[99999999999999999999]}`:           "sql_parameter",
		`{"sql":"select 1","limit":5}`:                                     "bad_sql_request",
		`{"sql":"select 1"}{}`:                                             "bad_sql_request",
		`{"sql":1}`:                                                        "bad_sql_request",
		`{"sql":""}`:                                                       "sql_empty",
		`{"sql":"select '` + `\u0000` + `'"}`:                              "sql_text",
		fmt.Sprintf(`{"sql":"select 1 %s"}`, strings.Repeat(" ", 100<<10)): "sql_too_large",
	} {
		out := w.ask(http.MethodPost, "/v1/sql", w.keys[access.Owner], []byte(body), nil)
		if got := problemOf(t, out).Code; got != code {
			t.Errorf("%.60s: %s", body, cmp.Diff(code, got))
		}
	}
}
