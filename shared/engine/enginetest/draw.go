package enginetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// names that differ by case alone, hold what SQL and JSON pointers mean something
// by, or are a fixed column's.
var names = []string{"URL", "url", `q"uote`, "it's", "a/b~c", "ü_ß", "price", "n", "day", "time", "__x", "nul\x00l", "1"}

var texts = []string{"", "a", "A", "'; DROP TABLE tail1; --", `"`, "é", "日本", "nul\x00l", "a%b_c", "1e+06", "\U0001F600", "\n"}

var (
	nulls  = rapid.Just(events.Value{})
	bools  = rapid.Map(rapid.Int64Range(0, 1), func(i int64) events.Value { return events.Value{Kind: events.Bool, Int: i} })
	small  = rapid.Map(rapid.Int64Range(-3, 3), func(i int64) events.Value { return events.Value{Kind: events.Int, Int: i} })
	ints   = rapid.Map(rapid.Int64(), func(i int64) events.Value { return events.Value{Kind: events.Int, Int: i} })
	floats = rapid.Map(rapid.SampledFrom([]float64{0.5, 1e6, -2.25, 1e-7, 1e21, 0.1, 123456789.125}), func(f float64) events.Value {
		return events.Value{Kind: events.Float, Float: f}
	})
	texted  = rapid.Map(rapid.SampledFrom(texts), func(s string) events.Value { return events.Value{Kind: events.Text, Text: s} })
	objects = rapid.Just(events.Value{Kind: events.JSON, Text: `{"a":[1,"x"]}`})
)

// kinds keep a property mostly of one kind, so that schemas do not all end as JSON.
var kinds = []*rapid.Generator[events.Value]{
	rapid.OneOf(nulls, bools, small, ints, floats, texted, objects), rapid.OneOf(nulls, small, ints), rapid.OneOf(nulls, small, floats),
	rapid.OneOf(nulls, texted), rapid.OneOf(nulls, bools), rapid.OneOf(nulls, small, texted, floats),
}

// inJSON are properties that are read from the JSON column: one that always lies
// there, and one that does when the schema is full. Both are texts: a number there
// may be written differently by another JSON library.
var inJSON = []string{"time", "it's"}

// instants lie around changes of clocks, around 1970, and anywhere.
var instants = rapid.OneOf(
	rapid.Int64Range(micros("2026-03-28T00:00:00Z"), micros("2026-04-06T00:00:00Z")),
	rapid.Int64Range(micros("2026-10-24T00:00:00Z"), micros("2026-11-02T00:00:00Z")),
	rapid.Int64Range(micros("1969-12-01T00:00:00Z"), micros("1970-02-01T00:00:00Z")),
	rapid.Int64Range(micros("0001-01-01T00:00:00Z"), micros("9999-12-31T00:00:00Z")),
)

func micros(text string) int64 {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

func drawEvent(t *rapid.T, i int, uuids bool) *events.Event {
	e := &events.Event{
		ID: fmt.Sprint("e", i), Name: rapid.SampledFrom([]string{"view", "buy", "it's"}).Draw(t, "event"),
		Time: instants.Draw(t, "time"), UserID: rapid.SampledFrom([]string{"", "u1", "u2"}).Draw(t, "user"),
		Shape: &events.Shape{},
	}
	if uuids {
		e.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
	}
	for j, name := range names {
		if rapid.Bool().Draw(t, "has") {
			e.Shape.Names = append(e.Shape.Names, name)
			e.Values = append(e.Values, kinds[j%len(kinds)].Draw(t, "value"))
		}
	}
	return e
}

// drawPlan binds a random request; one that does not fit is drawn again.
func drawPlan(t *rapid.T, over snapshot.Snapshot) query.AggregatePlan {
	columns := columnsToAsk(over)
	var r query.Request
	for i := range rapid.IntRange(0, 2).Draw(t, "dimensions") {
		r.Dimensions = append(r.Dimensions, query.Dimension{Column: drawColumn(t, columns).Name, Name: fmt.Sprint("d", i)})
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "measures") {
		r.Measures = append(r.Measures, drawMeasure(t, columns, fmt.Sprint("m", i)))
	}
	timed := slices.ContainsFunc(columns, func(c dataset.Column) bool { return c.Name == dataset.ColumnTime && c.Type == dataset.Time })
	if timed && rapid.Bool().Draw(t, "has time") {
		r.Time = drawTime(t)
	}
	if rapid.Bool().Draw(t, "has filter") {
		f := drawFilter(t, columns, 3)
		r.Filter = &f
	}
	r.Limit = rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "limit")
	drawOrder(t, &r)
	program, err := query.Bind(r, query.Whole(over.Dataset.Kind, over.Schema), nil)
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, r)
	}
	return planIn(program)
}

// planIn returns the plan of a plain question.
func planIn(program query.Program) (plan query.AggregatePlan) {
	_, _ = program.Run(func(p query.Plan) (query.Result, error) {
		plan = p.(query.AggregatePlan)
		return query.Result{}, nil
	})
	return plan
}

// columnsToAsk lists columns that a request may name: of a wide schema its ends.
func columnsToAsk(over snapshot.Snapshot) []dataset.Column {
	schema := over.Schema.Columns
	columns := slices.Concat(schema[:min(len(schema), 2)], schema[max(0, len(schema)-10):])
	if over.Dataset.Kind == dataset.Table {
		return columns
	}
	columns = append(columns, dataset.Fixed[:7]...)
	for _, name := range inJSON {
		columns = append(columns, dataset.Column{Name: "properties." + name, Type: dataset.Text})
	}
	return columns
}

func drawColumn(t *rapid.T, columns []dataset.Column) dataset.Column {
	return rapid.SampledFrom(columns).Draw(t, "column")
}

func drawMeasure(t *rapid.T, columns []dataset.Column, name string) query.Measure {
	m := query.Measure{Name: name, Op: query.Count}
	if rapid.Bool().Draw(t, "of a column") {
		c := drawColumn(t, columns)
		m.Column = c.Name
		ops := []query.Op{query.Count, query.CountDistinct}
		if c.Type != dataset.JSON {
			ops = append(ops, query.Min, query.Max)
		}
		if c.Type == dataset.Int || c.Type == dataset.Float {
			ops = append(ops, query.Sum, query.Avg, query.Median, query.Quantile)
		}
		m.Op = rapid.SampledFrom(ops).Draw(t, "op")
	}
	if m.Op == query.Quantile {
		m.Q = rapid.SampledFrom([]float64{0, 0.1, 0.25, 0.95, 1}).Draw(t, "q")
	}
	if rapid.IntRange(0, 3).Draw(t, "has filter") == 0 {
		f := drawFilter(t, columns, 2)
		m.Filter = &f
	}
	return m
}

func drawTime(t *rapid.T) *query.Time {
	var out query.Time
	rfc := func(at int64) string { return time.UnixMicro(at).UTC().Format(time.RFC3339Nano) }
	a, b := instants.Draw(t, "from"), instants.Draw(t, "to")
	if rapid.Bool().Draw(t, "has from") {
		out.From = rfc(min(a, b))
	}
	if rapid.Bool().Draw(t, "has to") {
		out.To = rfc(max(a, b))
	}
	if rapid.IntRange(0, 2).Draw(t, "has grain") > 0 {
		out.Grain = rapid.SampledFrom(calendar.Grains).Draw(t, "grain")
		out.Zone = rapid.SampledFrom([]string{"", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"}).Draw(t, "zone")
		out.WeekStart = rapid.SampledFrom([]string{"", "sunday", "saturday"}).Draw(t, "week start")
	}
	return &out
}

// drawOrder orders by what has no rounding: neighbours might change places.
func drawOrder(t *rapid.T, r *query.Request) {
	for _, m := range r.Measures {
		if (m.Op == query.Count || m.Op == query.CountDistinct || m.Op == query.Min || m.Op == query.Max) && rapid.Bool().Draw(t, "by") {
			r.Order = append(r.Order, query.Order{By: m.Name, Desc: rapid.Bool().Draw(t, "desc")})
		}
	}
}

func drawFilter(t *rapid.T, columns []dataset.Column, depth int) query.Filter {
	if kind := rapid.IntRange(0, 5).Draw(t, "node"); depth > 0 && kind < 3 {
		if kind == 2 {
			f := drawFilter(t, columns, depth-1)
			return query.Filter{Not: &f}
		}
		list := []query.Filter{drawFilter(t, columns, depth-1), drawFilter(t, columns, depth-1)}
		if kind == 0 {
			return query.Filter{And: list}
		}
		return query.Filter{Or: list}
	}
	c := drawColumn(t, columns)
	f := query.Filter{Column: c.Name, Op: rapid.SampledFrom(comparisonsOf(c.Type)).Draw(t, "op")}
	switch f.Op {
	case query.IsNull, query.IsNotNull:
	case query.In, query.NotIn:
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			list, _ := f.Value.([]any)
			f.Value = append(list, drawLiteral(t, c.Type))
		}
	case query.Between:
		f.Value = []any{drawLiteral(t, c.Type), drawLiteral(t, c.Type)}
	default:
		f.Value = drawLiteral(t, c.Type)
	}
	return f
}

func comparisonsOf(t dataset.Type) []query.Comparison {
	out := []query.Comparison{query.Equal, query.NotEqual, query.In, query.NotIn, query.IsNull, query.IsNotNull}
	if t != dataset.Bool {
		out = append(out, query.Less, query.LessEqual, query.Greater, query.GreaterEqual, query.Between)
	}
	if t == dataset.Text || t == dataset.JSON {
		out = append(out, query.Contains, query.StartsWith, query.EndsWith)
	}
	return out
}

func drawLiteral(t *rapid.T, of dataset.Type) any {
	switch of {
	case dataset.Bool:
		return rapid.Bool().Draw(t, "bool")
	case dataset.Int, dataset.Float:
		return json.Number(rapid.SampledFrom([]string{"0", "1", "-2", "0.5", "1e6", "9223372036854775807", "9223372036854775808", "-1e30", "-0.25"}).Draw(t, "number"))
	case dataset.Time:
		return time.UnixMicro(instants.Draw(t, "time")).UTC().Format(time.RFC3339Nano)
	}
	return rapid.OneOf(rapid.SampledFrom(texts), rapid.SampledFrom([]string{"u1", "view", "1", "e1"})).Draw(t, "text")
}
