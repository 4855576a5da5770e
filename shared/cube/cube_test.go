package cube

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/tests/golden"
)

// now is a Thursday, on which the clock in Zurich says 01:30 of Friday.
var now = time.Date(2026, 3, 5, 24, 30, 15, 0, time.UTC)

func web() Cube {
	columns := append(slices.Clone(dataset.Fixed), []dataset.Column{{Name: "page", Type: dataset.Text}, {Name: "revenue", Type: dataset.Float},
		{Name: "items", Type: dataset.Int}, {Name: "paid", Type: dataset.Bool}, {Name: "Länge", Type: dataset.Int}}...)
	return Of("web", columns, query.Definitions{
		"income": {Version: 1, Measure: &query.Measure{Op: query.Sum, Column: "revenue"}},
		"users":  {Version: 1, Measure: &query.Measure{Op: query.CountDistinct, Column: "user_id"}},
		"last":   {Version: 1, Measure: &query.Measure{Op: query.Max, Column: "time"}},
		"who":    {Version: 1, Dimension: &query.Dimension{Column: "user_id"}},
		"board":  {Version: 1, Query: &query.Request{}},
	})
}

// matches compares what a client is sent with a golden file.
func matches(t *testing.T, name string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Match(t, filepath.Join("testdata", name+".json"), string(text)+"\n")
}

func ask(text string) (Kind, []Question, error) {
	kind, queries, err := Decode([]byte(text))
	if err != nil {
		return "", nil, err
	}
	var all []Question
	for _, q := range queries {
		question, err := web().Ask(q, now)
		if err != nil {
			return "", nil, err
		}
		all = append(all, question)
	}
	return kind, all, nil
}

// TestAQueryBecomesARequest compares what queries are asked as with golden files.
func TestAQueryBecomesARequest(t *testing.T) {
	for name, text := range map[string]string{
		"count":       `{"measures": ["web.count"]}`,
		"members":     `{"measures": ["web.income", "web.count"], "dimensions": ["web.page", "web.who"], "limit": 20, "offset": 10, "total": true}`,
		"days":        `{"measures": ["web.count"], "timezone": "Europe/Zurich", "timeDimensions": [{"dimension": "web.time", "granularity": "day", "dateRange": ["2026-03-28", "2026-03-29"]}]}`,
		"relative":    `{"measures": ["web.users"], "timezone": "Europe/Zurich", "timeDimensions": [{"dimension": "web.time", "dateRange": "last 7 days"}]}`,
		"distinct":    `{"dimensions": ["web.page"], "order": {"web.page": "desc"}, "rowLimit": 5}`,
		"ordered":     `{"measures": ["web.count"], "dimensions": ["web.page"], "order": [["web.page", "asc"], ["web.count", "desc"]]}`,
		"received":    `{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.received_at", "dateRange": "today"}, {"dimension": "web.time", "granularity": "hour"}]}`,
		"tree":        `{"measures": ["web.count"], "filters": [{"or": [{"member": "web.page", "operator": "contains", "values": ["a", "b"]}, {"and": [{"member": "web.paid", "operator": "equals", "values": ["true"]}, {"dimension": "web.items", "operator": "gt", "values": ["3"]}]}]}]}`,
		"not_equal":   `{"measures": ["web.count"], "filters": [{"member": "web.page", "operator": "notEquals", "values": ["a", "b"]}, {"member": "web.page", "operator": "notContains", "values": ["x"]}]}`,
		"measured":    `{"measures": ["web.count"], "dimensions": ["web.page"], "filters": [{"member": "web.paid", "operator": "set"}, {"member": "web.count", "operator": "gt", "values": ["1"]}, {"or": [{"member": "web.income", "operator": "notEquals", "values": ["1.5"]}, {"member": "web.last", "operator": "afterDate", "values": ["2026-01-31"]}]}]}`,
		"ends":        `{"measures": ["web.count"], "filters": [{"member": "web.page", "operator": "endsWith", "values": [".html", "/"]}, {"member": "web.who", "operator": "notEndsWith", "values": ["x"]}]}`,
		"nulls":       `{"measures": ["web.count"], "filters": [{"member": "web.page", "operator": "equals", "values": ["a", null]}, {"member": "web.page", "operator": "notEquals", "values": [null]}, {"member": "web.items", "operator": "set"}, {"member": "web.who", "operator": "notSet"}]}`,
		"dates":       `{"measures": ["web.count"], "filters": [{"member": "web.time", "operator": "afterDate", "values": ["2026-01-31"]}, {"member": "web.time", "operator": "beforeOrOnDate", "values": ["2026-02-28"]}, {"member": "web.received_at", "operator": "notInDateRange", "values": ["2026-02-01", "2026-02-02"]}]}`,
		"raw_time":    `{"measures": ["web.last"], "dimensions": ["web.time"], "timeDimensions": [{"dimension": "web.time", "granularity": "month"}]}`,
		"two_ranges":  `{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "dateRange": "this month"}, {"dimension": "web.time", "dateRange": "this week"}]}`,
		"compared":    `{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "granularity": "day", "compareDateRange": ["this month", ["2026-02-01", "2026-02-28"]]}]}`,
		"blended":     `[{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "granularity": "day"}]}, {"measures": ["web.income"], "timeDimensions": [{"dimension": "web.time", "granularity": "day"}]}]`,
		"word_number": `{"measures": ["web.count"], "filters": [{"member": "web.revenue", "operator": "lte", "values": [1.5]}, {"member": "web.items", "operator": "equals", "values": ["9007199254740993"]}]}`,
	} {
		kind, questions, err := ask(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var requests []query.Request
		for _, q := range questions {
			requests = append(requests, q.Request)
		}
		matches(t, name, map[string]any{"requests": requests, "dry": Dry(kind, questions)})
	}
}

func TestWhatCannotBeAskedIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "measures", `x`: "not one that this server knows", `[]`: "0 queries", `null`: "measures", ``: "not one",
		`{"measures": ["web.count"], "segments": ["web.x"]}`:        "segments",
		`{"dimensions": ["web.page"], "ungrouped": true}`:           "ungrouped",
		`{"measures": ["web.cuont"]}`:                               "no measure",
		`{"dimensions": ["web.gape"]}`:                              "no dimension",
		`{"dimensions": ["web.board"]}`:                             "no dimension",
		`{"measures": ["web.count", "shop.count"]}`:                 "not a member of web",
		`{"measures": ["web.count", "web.count"]}`:                  "twice",
		`{"dimensions": ["web.page", "web.page"]}`:                  "twice",
		`{"measures": ["web.count"], "renew": 1}`:                   "renew",
		`{"measures": ["web.count"], "limit": 0}`:                   "limit",
		`{"measures": ["web.count"], "limit": 100000, "offset": 1}`: "offset and limit",
		`{"measures": ["web.count"], "offset": -1}`:                 "offset",
		`{"measures": ["web.count"], "timezone": "Mars/Olympus"}`:   "time zone",
		`{"measures": ["web.count"], "order": {"web.page": "asc"}}`: "ordered by",
		`{"measures": ["web.count"], "order": {"web.count": "up"}}`: "neither asc nor desc",
		`{"measures": ["web.count"], "order": 7}`:                   "an order is",
		`{"measures": ["web.count"], "filters": [{"or": [{"member": "web.page", "operator": "set"}, {"member": "web.count", "operator": "gt", "values": ["1"]}]}]}`:  "is a measure",
		`{"measures": ["web.count"], "filters": [{"or": [{"member": "web.count", "operator": "gt", "values": ["1"]}, {"member": "web.page", "operator": "set"}]}]}`:  "is a dimension",
		`{"measures": ["web.count"], "filters": [{"member": "web.page", "operator": "like", "values": ["1"]}]}`:                                                      "no operator",
		`{"measures": ["web.count"], "filters": [{"member": "web.page", "operator": "equals"}]}`:                                                                     "no values",
		`{"measures": ["web.count"], "filters": [{"member": "web.items", "operator": "equals", "values": ["x"]}]}`:                                                   "is a number",
		`{"measures": ["web.count"], "filters": [{"member": "web.items", "operator": "contains", "values": ["1"]}]}`:                                                 "needs text",
		`{"measures": ["web.count"], "filters": [{"member": "web.paid", "operator": "equals", "values": ["1"]}]}`:                                                    "true or false",
		`{"measures": ["web.count"], "filters": [{"member": "web.page", "operator": "gt", "values": ["a", "b"]}]}`:                                                   "one value",
		`{"measures": ["web.count"], "filters": [{"member": "web.page", "operator": "equals", "values": [{}]}]}`:                                                     "neither text",
		`{"measures": ["web.count"], "filters": [{"member": "web.page", "operator": "inDateRange", "values": ["today"]}]}`:                                           "no time",
		`{"measures": ["web.count"], "filters": [{"member": "web.time", "operator": "beforeDate", "values": ["nonsense"]}]}`:                                         "not a date",
		`{"measures": ["web.count"], "filters": [{"and": [], "or": []}]}`:                                                                                            "one of and",
		`{"measures": ["web.count"], "filters": [{"and": []}]}`:                                                                                                      "empty",
		`{"measures": ["web.count"], "filters": [` + strings.Repeat(`{"and": [`, 40) + `{"member": "web.page", "operator": "set"}` + strings.Repeat(`]}`, 40) + `]}`: "nested",
		`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "granularity": "second"}]}`:                                                        "not a granularity",
		`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.received_at", "granularity": "day"}]}`:                                                    "no granularity",
		`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.page", "dateRange": "today"}]}`:                                                           "is no time",
		`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "dateRange": ["2026-01-02", "2026-01-01"]}]}`:                                      "ends before",
		`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "dateRange": ["a", "b", "c"]}]}`:                                                   "a date range is",
		`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "dateRange": "last 0 days"}]}`:                                                     "no time at all",
		`[{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "compareDateRange": ["today", "yesterday"]}]}]`:                                   "compares no ranges",
	} {
		_, _, err := ask(text)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.120s: %v, want %q", text, err, want)
		}
	}
}

func TestRangesOfDatesAreThoseOfTheZone(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	c := newClock(now, zone) // 2026-03-06 01:30:15, a Friday
	for text, want := range map[string]string{
		"today": "2026-03-06T00:00:00.000 2026-03-06T23:59:59.999", "Yesterday": "2026-03-05T00:00:00.000 2026-03-05T23:59:59.999",
		"tomorrow": "2026-03-07T00:00:00.000 2026-03-07T23:59:59.999", "2026-02-28": "2026-02-28T00:00:00.000 2026-02-28T23:59:59.999",
		"this week": "2026-03-02T00:00:00.000 2026-03-08T23:59:59.999", "last week": "2026-02-23T00:00:00.000 2026-03-01T23:59:59.999",
		"this month": "2026-03-01T00:00:00.000 2026-03-31T23:59:59.999", "last month": "2026-02-01T00:00:00.000 2026-02-28T23:59:59.999",
		"this quarter": "2026-01-01T00:00:00.000 2026-03-31T23:59:59.999", "last quarter": "2025-10-01T00:00:00.000 2025-12-31T23:59:59.999",
		"next year": "2027-01-01T00:00:00.000 2027-12-31T23:59:59.999", "this hour": "2026-03-06T01:00:00.000 2026-03-06T01:59:59.999",
		"last 7 days": "2026-02-27T00:00:00.000 2026-03-05T23:59:59.999", "last 1 day": "2026-03-05T00:00:00.000 2026-03-05T23:59:59.999",
		"last 3 months": "2025-12-01T00:00:00.000 2026-02-28T23:59:59.999", "next 2 weeks": "2026-03-09T00:00:00.000 2026-03-22T23:59:59.999",
		"last 90 minutes":                           "2026-03-06T00:00:00.000 2026-03-06T01:29:59.999",
		"from 7 days ago to now":                    "2026-02-27T00:00:00.000 2026-03-06T23:59:59.999",
		"from 2 hours ago to now":                   "2026-03-05T23:00:00.000 2026-03-06T01:59:59.999",
		"from 2026-01-01 to yesterday":              "2026-01-01T00:00:00.000 2026-03-05T23:59:59.999",
		"3 days ago":                                "2026-03-03T00:00:00.000 2026-03-03T23:59:59.999",
		"2026-03-01 2026-03-29":                     "2026-03-01T00:00:00.000 2026-03-29T23:59:59.999",
		"2026-03-01T10:00:00 2026-03-01T10:59:59":   "2026-03-01T10:00:00.000 2026-03-01T10:59:59.000",
		"2026-03-01T00:00:00.000Z 2026-03-01T01:00": "2026-03-01T01:00:00.000 2026-03-01T01:00:00.000",
	} {
		r := DateRange{text}
		if a, b, two := strings.Cut(text, " "); two && strings.HasPrefix(text, "2026") {
			r = DateRange{a, b}
		}
		span, err := c.span(r)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := strings.Join(span.texts(), " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if span, _ := c.span(DateRange{"2026-03-29"}); span.to.Sub(span.from) != 23*time.Hour {
		t.Errorf("the day on which the clock goes forward has %v", span.to.Sub(span.from))
	}
}

func TestAnAnswerIsWhatClientsRead(t *testing.T) {
	day := func(d int) query.Value {
		return query.TimeValue(time.Date(2026, 3, d, 23, 0, 0, 0, time.UTC).UnixMicro())
	}
	rows := [][]query.Value{
		{day(1), query.TextValue("/"), query.IntValue(12), query.FloatValue(1e6 + 0.5)},
		{day(2), {}, query.IntValue(9007199254740993), {}},
		{day(3), query.TextValue(""), query.IntValue(0), query.FloatValue(0)},
	}
	columns := []query.Column{{Name: "time", Type: query.Timestamp}, {Name: "web.page", Type: query.Text}, {Name: "count", Type: query.Int}, {Name: "income", Type: query.Float}}
	for name, more := range map[string]string{"rows": "", "compact": `, "responseFormat": "compact"`, "columnar": `, "responseFormat": "columnar"`, "page": `, "offset": 1, "limit": 1, "total": true`} {
		text := `{"measures": ["web.count", "web.income"], "dimensions": ["web.page"], "timezone": "Europe/Zurich", "timeDimensions": [{"dimension": "web.time", "granularity": "day"}]` + more + `}`
		kind, questions, err := ask(text)
		if err != nil {
			t.Fatal(err)
		}
		load, err := Answer(kind, questions, []query.Result{{Columns: columns, Rows: rows}}, now)
		if err != nil {
			t.Fatal(err)
		}
		matches(t, "answer_"+name, load)
	}
}

func TestATotalOfMoreThanCanBeCountedIsRefused(t *testing.T) {
	kind, questions, err := ask(`{"dimensions": ["web.page"], "total": true}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Answer(kind, questions, []query.Result{{Stats: query.Stats{Truncated: true}}}, now); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestADatasetIsDescribedAsACube(t *testing.T) {
	matches(t, "meta", Meta{[]Schema{web().Describe(1)}})
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "granularity": "day", "dateRange": "last 7 days"}]}`)
	f.Add(`[{"dimensions": ["web.page"], "order": [["web.page", "asc"]], "filters": [{"or": [{"member": "web.time", "operator": "inDateRange", "values": ["from 1 day ago to now"]}]}]}]`)
	f.Add(`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "compareDateRange": ["today", ["2026-01-01", "2026-01-01T00:00"]]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		kind, questions, err := ask(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Errorf("%v", err)
			}
			return
		}
		if _, err := json.Marshal(Dry(kind, questions)); err != nil {
			t.Error(err)
		}
	})
}
