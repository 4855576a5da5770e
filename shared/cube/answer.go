package cube

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// Load is the answer to one or more queries.
type Load struct {
	Kind      Kind     `json:"queryType"`
	Results   []Result `json:"results"`
	Pivot     Pivot    `json:"pivotQuery"`
	SlowQuery bool     `json:"slowQuery"`
}

// Result is the answer to one query.
type Result struct {
	Query       Query      `json:"query"`
	Data        any        `json:"data"` // rows as objects, or as the query's response format has them
	Annotation  Annotation `json:"annotation"`
	LastRefresh string     `json:"lastRefreshTime"`
	DataSource  string     `json:"dataSource"`
	DBType      string     `json:"dbType"`
	External    bool       `json:"external"`
	SlowQuery   bool       `json:"slowQuery"`
	Total       *int       `json:"total"`
}

// Annotation describes the members of an answer.
type Annotation struct {
	Measures       map[string]Described `json:"measures"`
	Dimensions     map[string]Described `json:"dimensions"`
	Segments       map[string]Described `json:"segments"`
	TimeDimensions map[string]Described `json:"timeDimensions"`
}

// Described describes a member.
type Described struct {
	Title       string       `json:"title"`
	ShortTitle  string       `json:"shortTitle"`
	Type        string       `json:"type"`
	Granularity *Granularity `json:"granularity,omitempty"`
}

// Granularity describes a bucket's width.
type Granularity struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Interval string `json:"interval"`
}

// Pivot is what Cube's clients arrange an answer by.
type Pivot struct {
	Query
	Kind Kind `json:"queryType"`
}

// compareKey is the member that tells which range of dates a row is of.
const compareKey = "compareDateRange"

// Answer writes the results of questions, in their order.
func Answer(kind Kind, questions []Question, results []query.Result, now time.Time) (Load, error) {
	out := Load{Kind: kind, Pivot: PivotOf(kind, questions)}
	for i, q := range questions {
		r, err := q.answer(kind, results[i], now)
		if err != nil {
			return out, err
		}
		out.Results = append(out.Results, r)
	}
	return out, nil
}

// PivotOf says what several answers are arranged by together.
func PivotOf(kind Kind, questions []Question) Pivot {
	out := Pivot{questions[0].Query, kind}
	switch kind {
	case Compared:
		out.Dimensions = append([]string{compareKey}, out.Dimensions...)
	case Blended:
		out.Query = Query{Timezone: out.Timezone}.whole()
		for _, q := range questions {
			out.Measures = union(out.Measures, q.Query.Measures)
			out.Dimensions = union(out.Dimensions, q.Query.Dimensions)
		}
		if grain := questions[0].grain; grain != nil {
			out.TimeDimensions = []TimeDimension{{Dimension: "time", Granularity: grain.Granularity}}
		}
	}
	return out
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

func (q Question) answer(kind Kind, r query.Result, now time.Time) (Result, error) {
	rows := r.Rows[min(q.Query.Offset, len(r.Rows)):]
	rows = rows[:min(q.limit, len(rows))]
	out := Result{Query: q.Query, Annotation: q.annotation(), LastRefresh: now.UTC().Format(local) + "Z", DataSource: "default", DBType: "tarn"}
	if q.Query.Total {
		if r.Stats.Truncated {
			return out, refuse("there are more than %d rows, and they cannot be counted", query.MaxLimit).WithHint("leave total out")
		}
		total := len(r.Rows)
		out.Total = &total
	}
	names := q.names()
	var more func(row []query.Value) json.RawMessage
	switch {
	case kind == Compared:
		names = append(names, compareKey)
		compared := quoted(strings.Join(q.ranged(), " - "))
		more = func([]query.Value) json.RawMessage { return compared }
	case kind == Blended && q.grain != nil: // what answers have in common, whatever their time dimension is called
		names = append(names, "time."+q.grain.Granularity)
		more = func(row []query.Value) json.RawMessage { return q.value(row[0], query.Timestamp) }
	}
	out.Data = q.form(names, rows, r.Columns, more)
	return out, nil
}

// ranged is the range of dates that a compared query is of.
func (q Question) ranged() DateRange {
	for _, t := range q.Query.TimeDimensions {
		if len(t.DateRange) > 0 {
			return t.DateRange
		}
	}
	return nil
}

// names lists the members of a row.
func (q Question) names() []string {
	var names []string
	if q.grain != nil {
		names = append(names, q.grain.Dimension+"."+q.grain.Granularity)
		if !slices.Contains(q.Query.Dimensions, q.grain.Dimension) {
			names = append(names, q.grain.Dimension)
		}
	}
	return slices.Concat(names, q.Query.Dimensions, q.Query.Measures)
}

// values writes a row: a time bucket under both of its names, unless one of them is the
// time itself, and without the number of rows that nobody asked for.
func (q Question) values(row []query.Value, columns []query.Column) []json.RawMessage {
	out := make([]json.RawMessage, 0, len(row)+2)
	for i, v := range row[:len(row)-len(q.Request.Measures)+len(q.sums)] {
		written := q.value(v, columns[i].Type)
		out = append(out, written)
		if i == 0 && q.grain != nil && !slices.Contains(q.Query.Dimensions, q.grain.Dimension) {
			out = append(out, written)
		}
	}
	return out
}

// value writes times as those of the query's zone.
func (q Question) value(v query.Value, t query.Type) json.RawMessage {
	if t == query.Timestamp && !v.IsNull() {
		return quoted(time.UnixMicro(v.Int()).In(q.zone).Format(local))
	}
	return Value(v, t)
}

// Value writes numbers as text, as Cube does: no digit is lost on the way.
func Value(v query.Value, t query.Type) json.RawMessage {
	text := v.AppendJSON(nil)
	if (t == query.Int || t == query.Float || t == query.Decimal) && string(text) != "null" {
		return quoted(string(text))
	}
	return text
}

func quoted(text string) json.RawMessage { return query.TextValue(text).AppendJSON(nil) }

// Compact is an answer with its members named once.
type Compact struct {
	Members []string            `json:"members"`
	Dataset [][]json.RawMessage `json:"dataset"`
}

// Columnar is an answer by columns.
type Columnar struct {
	Members []string            `json:"members"`
	Columns [][]json.RawMessage `json:"columns"`
}

// form arranges rows, with one more value where there is one, as the query's response
// format has them.
func (q Question) form(names []string, rows [][]query.Value, columns []query.Column, more func([]query.Value) json.RawMessage) any {
	written := make([][]json.RawMessage, len(rows))
	for i, row := range rows {
		written[i] = q.values(row, columns)
		if more != nil {
			written[i] = append(written[i], more(row))
		}
	}
	switch q.Query.ResponseFormat {
	case "compact":
		return Compact{names, written}
	case "columnar":
		out := Columnar{names, make([][]json.RawMessage, len(names))}
		for i := range names {
			out.Columns[i] = make([]json.RawMessage, len(written))
			for j, row := range written {
				out.Columns[i][j] = row[i]
			}
		}
		return out
	}
	objects := make([]map[string]json.RawMessage, len(written))
	for i, row := range written {
		objects[i] = make(map[string]json.RawMessage, len(row))
		for j, v := range row {
			objects[i][names[j]] = v
		}
	}
	return objects
}

func (q Question) annotation() Annotation {
	out := Annotation{map[string]Described{}, map[string]Described{}, map[string]Described{}, map[string]Described{}}
	describe := func(name, typ string) Described {
		return Described{Title: title(string(q.cube.Name) + " " + name), ShortTitle: title(name), Type: typ}
	}
	for _, m := range q.sums {
		out.Measures[q.cube.member(m.name)] = describe(m.name, m.typ)
	}
	for _, d := range q.keys {
		out.Dimensions[q.cube.member(d.name)] = describe(d.name, typeOf(d.column.Type))
	}
	if q.grain != nil {
		d := describe(dataset.ColumnTime, "time")
		out.TimeDimensions[q.grain.Dimension] = d
		d.Granularity = granularity(calendar.Grain(q.grain.Granularity))
		out.TimeDimensions[q.grain.Dimension+"."+q.grain.Granularity] = d
	}
	return out
}

func granularity(g calendar.Grain) *Granularity {
	return &Granularity{Name: string(g), Title: title(string(g)), Interval: "1 " + string(g)}
}
