package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// sales are events around a midnight in Zurich, on both sides of the night in which
// the clock goes forward.
const sales = `[
	{"event_id": "e1", "event": "view", "time": "2026-03-27T22:30:00Z", "user_id": "u1", "properties": {"page": "/", "paid": false}},
	{"event_id": "e2", "event": "buy", "time": "2026-03-27T23:30:00Z", "user_id": "u1", "properties": {"page": "/pay", "revenue": 20.5, "paid": true}},
	{"event_id": "e3", "event": "view", "time": "2026-03-29T21:59:59Z", "user_id": "u2", "properties": {"page": "/"}},
	{"event_id": "e4", "event": "buy", "time": "2026-03-29T22:00:00Z", "user_id": "u2", "properties": {"page": "/pay", "revenue": 4, "paid": true}},
	{"event_id": "e5", "event": "view", "time": "2026-03-30T10:00:00Z", "properties": {}}]`

// call is a method of Cube's client: its arguments, and what to take of the result.
type call struct {
	Method string `json:"method"`
	Args   []any  `json:"args"`
	Of     string `json:"of,omitempty"`
}

func loading(of, query string) call { return call{"load", []any{json.RawMessage(query)}, of} }

const (
	inMarch = `"timezone": "Europe/Zurich", "timeDimensions": [{"dimension": "shop.time", "granularity": "day", "dateRange": ["2026-03-28", "2026-03-30"]}]`
	byPage  = `"measures": ["shop.count", "shop.income"], "dimensions": ["shop.page"]`
)

// said is what Cube's client makes of calls.
var said = map[string]struct {
	call
	want string
}{
	"a number is text": {loading("rows", `{"measures": ["shop.count"]}`), `[{"shop.count": "5"}]`},
	"groups, the largest first": {loading("rows", `{`+byPage+`, "order": {"shop.income": "desc", "shop.page": "asc"}}`),
		`[{"shop.page": "/pay", "shop.count": "2", "shop.income": "24.5"}, {"shop.page": "/", "shop.count": "2", "shop.income": null}, {"shop.page": null, "shop.count": "1", "shop.income": null}]`},
	"days of the zone": {loading("rows", `{"measures": ["shop.count"], `+inMarch+`}`),
		`[{"shop.time.day": "2026-03-28T00:00:00.000", "shop.time": "2026-03-28T00:00:00.000", "shop.count": "1"},
		  {"shop.time.day": "2026-03-29T00:00:00.000", "shop.time": "2026-03-29T00:00:00.000", "shop.count": "1"},
		  {"shop.time.day": "2026-03-30T00:00:00.000", "shop.time": "2026-03-30T00:00:00.000", "shop.count": "2"}]`},
	"a series, days without events too": {loading("series", `{"measures": ["shop.income"], "filters": [{"member": "shop.event", "operator": "equals", "values": ["buy"]}], `+inMarch+`}`),
		`[{"key": "shop.income", "title": "Shop Income", "shortTitle": "Income", "series": [{"x": "2026-03-28T00:00:00.000", "value": 20.5},
		  {"x": "2026-03-29T00:00:00.000", "value": 0}, {"x": "2026-03-30T00:00:00.000", "value": 4}]}]`},
	"a table": {loading("table", `{`+byPage+`, "filters": [{"member": "shop.paid", "operator": "equals", "values": ["true"]}]}`),
		`[{"shop.page": "/pay", "shop.count": "2", "shop.income": "24.5"}]`},
	"its columns": {loading("columns", `{`+byPage+`}`),
		`[["shop.page", "Shop Page", "string"], ["shop.count", "Shop Count", "number"], ["shop.income", "Shop Income", "number"]]`},
	"a named dimension": {loading("rows", `{"measures": ["shop.count"], "dimensions": ["shop.who"], "filters": [{"member": "shop.who", "operator": "set"}], "order": [["shop.who", "desc"]], "limit": 1}`),
		`[{"shop.who": "u2", "shop.count": "2"}]`},
	"what is not equal, nulls too":                           {loading("rows", `{"measures": ["shop.count"], "filters": [{"member": "shop.page", "operator": "notEquals", "values": ["/"]}]}`), `[{"shop.count": "3"}]`},
	"rows of the answer, by a measure that it does not have": {loading("rows", `{"measures": ["shop.count"], "dimensions": ["shop.page"], "filters": [{"member": "shop.income", "operator": "gt", "values": ["20"]}]}`), `[{"shop.page": "/pay", "shop.count": "2"}]`},
	"how a text ends":                                        {loading("rows", `{"measures": ["shop.count"], "filters": [{"member": "shop.page", "operator": "endsWith", "values": ["ay"]}]}`), `[{"shop.count": "2"}]`},
	"all of how many":                                        {loading("total", `{"dimensions": ["shop.event_id"], "limit": 2, "offset": 1, "total": true}`), `5`},
	"those on a page":                                        {loading("rows", `{"dimensions": ["shop.event_id"], "limit": 2, "offset": 1, "total": true, "order": {"shop.event_id": "asc"}}`), `[{"shop.event_id": "e2"}, {"shop.event_id": "e3"}]`},
	"times and truth": {loading("rows", `{"dimensions": ["shop.time", "shop.paid"], "timezone": "Europe/Zurich", "filters": [{"member": "shop.time", "operator": "beforeOrOnDate", "values": ["2026-03-28"]}], "order": {"shop.time": "asc"}}`),
		`[{"shop.time": "2026-03-27T23:30:00.000", "shop.paid": false}, {"shop.time": "2026-03-28T00:30:00.000", "shop.paid": true}]`},
	"several queries": {loading("rowsOfEach", `[{"measures": ["shop.count"], `+inMarch+`}, {"measures": ["shop.income"], "filters": [{"member": "shop.page", "operator": "startsWith", "values": ["/p"]}], `+inMarch+`}]`),
		`[[{"shop.time.day": "2026-03-28T00:00:00.000", "shop.time": "2026-03-28T00:00:00.000", "time.day": "2026-03-28T00:00:00.000", "shop.count": "1"},
		   {"shop.time.day": "2026-03-29T00:00:00.000", "shop.time": "2026-03-29T00:00:00.000", "time.day": "2026-03-29T00:00:00.000", "shop.count": "1"},
		   {"shop.time.day": "2026-03-30T00:00:00.000", "shop.time": "2026-03-30T00:00:00.000", "time.day": "2026-03-30T00:00:00.000", "shop.count": "2"}],
		  [{"shop.time.day": "2026-03-28T00:00:00.000", "shop.time": "2026-03-28T00:00:00.000", "time.day": "2026-03-28T00:00:00.000", "shop.income": "20.5"},
		   {"shop.time.day": "2026-03-30T00:00:00.000", "shop.time": "2026-03-30T00:00:00.000", "time.day": "2026-03-30T00:00:00.000", "shop.income": "4"}]]`},
	"several queries as one chart": {loading("chart", `[{"measures": ["shop.count"], `+inMarch+`}, {"measures": ["shop.income"], `+inMarch+`}]`),
		`[{"x": "2026-03-28T00:00:00.000", "xValues": ["2026-03-28T00:00:00.000"], "shop.count": 1, "shop.income": 20.5},
		  {"x": "2026-03-29T00:00:00.000", "xValues": ["2026-03-29T00:00:00.000"], "shop.count": 1, "shop.income": 0},
		  {"x": "2026-03-30T00:00:00.000", "xValues": ["2026-03-30T00:00:00.000"], "shop.count": 2, "shop.income": 4}]`},
	"ranges side by side": {loading("chart", `{"measures": ["shop.count"], "timezone": "Europe/Zurich", "timeDimensions": [{"dimension": "shop.time", "granularity": "day", "compareDateRange": [["2026-03-30", "2026-03-30"], ["2026-03-27", "2026-03-27"]]}]}`),
		`[{"x": "2026-03-30T00:00:00.000", "xValues": ["2026-03-30T00:00:00.000"],
		   "2026-03-30T00:00:00.000 - 2026-03-30T23:59:59.999,shop.count": 2, "2026-03-27T00:00:00.000 - 2026-03-27T23:59:59.999,shop.count": 1}]`},
	"rows in the compact form": {call{"load", []any{json.RawMessage(`{"measures": ["shop.count"]}`), map[string]any{}, nil, "compact"}, "rows"}, `[{"shop.count": "5"}]`},
	"rows by columns":          {call{"load", []any{json.RawMessage(`{"measures": ["shop.count"]}`), map[string]any{}, nil, "columnar"}, "rows"}, `[{"shop.count": "5"}]`},
	"numbers, where asked":     {call{"load", []any{json.RawMessage(`{"measures": ["shop.count"]}`), map[string]any{"castNumerics": true}}, "rows"}, `[{"shop.count": 5}]`},
	"a query too long for an address": {loading("rows", `{"measures": ["shop.count"], "filters": [{"member": "shop.event", "operator": "equals", "values": ["buy", "`+strings.Repeat("x", 5000)+`"]}]}`),
		`[{"shop.count": "2"}]`},
	"SQL": {call{"cubeSql", []any{"select event, count(*) as n, sum(revenue) as income, min(time) as first from shop group by 1 order by 1"}, ""},
		`{"schema": [{"name": "event", "column_type": "String"}, {"name": "n", "column_type": "Int64"}, {"name": "income", "column_type": "Double"}, {"name": "first", "column_type": "Timestamp"}],
		  "data": [["buy", "2", "24.5", "2026-03-27T23:30:00Z"], ["view", "3", null, "2026-03-27T22:30:00Z"]]}`},
	"no rows of SQL": {call{"cubeSql", []any{"select event from shop where event = 'none'"}, ""}, `{"schema": [{"name": "event", "column_type": "String"}], "data": []}`},
	"what answers a query": {call{"sql", []any{json.RawMessage(`{"measures": ["shop.count"]}`)}, "text"},
		`"-- POST /v1/query\n{\"dataset\":\"shop\",\"kind\":\"aggregate\",\"measures\":[{\"op\":\"count\"}],\"order\":[{\"by\":\"count\",\"desc\":true}],\"limit\":10000}"`},
	"how it is understood": {call{"dryRun", []any{json.RawMessage(`{"measures": ["shop.count"], "limit": 3}`)}, ""},
		`{"queryType": "regularQuery", "queryOrder": [{"shop.count": "desc"}],
		  "normalizedQueries": [{"measures": ["shop.count"], "dimensions": [], "timeDimensions": [], "filters": [], "segments": [], "order": [{"id": "shop.count", "desc": true}], "limit": 3, "rowLimit": 3, "timezone": "UTC"}],
		  "transformedQueries": [{"measures": ["shop.count"], "leafMeasures": ["shop.count"], "sortedDimensions": [], "sortedTimeDimensions": []}],
		  "pivotQuery": {"queryType": "regularQuery", "measures": ["shop.count"], "dimensions": [], "timeDimensions": [], "filters": [], "segments": [], "order": [{"id": "shop.count", "desc": true}], "limit": 3, "rowLimit": 3, "timezone": "UTC"}}`},
	"the cubes": {call{"meta", []any{}, "members"},
		`[["shop", [["shop.count", "number", "count"], ["shop.income", "number", "sum"]],
		  [["shop.event_id", "string"], ["shop.event", "string"], ["shop.time", "time"], ["shop.received_at", "time"], ["shop.user_id", "string"], ["shop.anonymous_id", "string"],
		   ["shop.session_id", "string"], ["shop.properties", "string"], ["shop.page", "string"], ["shop.paid", "boolean"], ["shop.revenue", "number"], ["shop.who", "string"]]]]`},
	"a measure that is none": {loading("rows", `{"measures": ["shop.cuont"]}`),
		`{"error": "there is no measure \"shop.cuont\": shop.count is the number of rows; PUT /v1/datasets/shop/definitions/{name} defines more", "status": 400}`},
	"a dataset that is none": {loading("rows", `{"measures": ["shops.count"]}`), `{"status": 404}`},
	"SQL that is none":       {call{"cubeSql", []any{"delete from shop"}, ""}, `{"status": 400}`},
}

// TestCubesClient drives @cubejs-client/core, as npm has it.
func TestCubesClient(t *testing.T) {
	needCubesClient(t)
	p := start(t, t.TempDir())
	p.create(t, "shop")
	version := p.send(t, "shop", json.RawMessage(sales))
	p.rows(t, map[string]any{"dataset": "shop", "measures": []any{"count"}, "wait_for": version})
	for name, definition := range map[string]string{"income": `{"measure": {"op": "sum", "column": "revenue"}}`, "who": `{"dimension": {"column": "user_id"}}`} {
		p.call(t, http.MethodPut, "/v1/datasets/shop/definitions/"+name, json.RawMessage(definition), nil)
	}
	var claims []string
	var calls []call
	for claim, c := range said {
		claims, calls = append(claims, claim), append(calls, c.call)
	}
	for i, got := range playCube(t, p.URL, p.Key, calls) {
		sameJSON(t, claims[i], said[claims[i]].want, got)
	}
	refused := playCube(t, p.URL, "tarn_0123456789abcdef_"+strings.Repeat("0", 64), calls[:1])
	sameJSON(t, "an unknown token", `{"status": 401}`, refused[0])
}

func needCubesClient(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		absent(t, "Cube's client", "apt-get install nodejs npm")
	}
	if _, err := os.Stat(filepath.Join(root, "node_modules", "@cubejs-client", "core")); err != nil {
		absent(t, "@cubejs-client/core", "npm ci")
	}
}

// playCube makes calls and returns what came of each.
func playCube(t *testing.T, url, token string, calls []call) []any {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", "cube.mjs")
	node.Dir = "sdk"
	node.Stdin = bytes.NewReader(encode(t, map[string]any{"url": url, "token": token, "calls": calls}))
	var problems bytes.Buffer
	node.Stderr = &problems
	text, err := node.Output()
	var out []any
	if err != nil || json.Unmarshal(text, &out) != nil || len(out) != len(calls) {
		t.Fatalf("%v\n%s%s", err, text, &problems)
	}
	return out
}

// sameJSON compares JSON. Of an error that is wanted without its text the text may be
// any.
func sameJSON(t *testing.T, claim, want string, got any) {
	t.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(claim, err)
	}
	if w, ok := wanted.(map[string]any); ok && w["status"] != nil && w["error"] == nil {
		g, _ := got.(map[string]any)
		w["error"] = g["error"]
	}
	if diff := gocmp.Diff(wanted, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", claim, diff)
	}
}
