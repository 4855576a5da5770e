package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// formula is an expression over the measures m0 and m1, and what it means.
type formula struct {
	text string
	of   func(m0, m1 float64) float64 // NaN: null
}

var formulas = []formula{
	{"m0 / m1", divided},
	{"(m0 - `m1`) * 2", func(a, b float64) float64 { return (a - b) * 2 }},
	{"-m0 + .5", func(a, _ float64) float64 { return -a + .5 }},
	{"m0 - m1 - 1", func(a, b float64) float64 { return a - b - 1 }},
	{"m0/(m1-m0)/4", func(a, b float64) float64 { return divided(a, b-a) / 4 }},
}

func divided(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// derivation is a request of an aggregate with all that is computed after the engine,
// and the plan of what is computed of rows alone.
type derivation struct {
	request query.Request
	base    query.AggregatePlan
	formula formula
	running bool
	zone    *time.Location
}

// drawDerivation draws a request. Measures m0 and m1 are of rows.
func drawDerivation(t *rapid.T, d drawn, window func(*rapid.T) (*query.Time, *time.Location)) derivation {
	columns := columnsToAsk(d.snapshot)
	out := derivation{formula: rapid.SampledFrom(formulas).Draw(t, "formula"), zone: time.UTC}
	r := query.Request{Limit: rapid.SampledFrom([]int{2, 5, query.MaxLimit}).Draw(t, "limit")}
	for i := range rapid.IntRange(0, 2).Draw(t, "dimensions") {
		r.Dimensions = append(r.Dimensions, query.Dimension{Column: drawColumn(t, columns).Name, Name: fmt.Sprint("d", i)})
	}
	m0 := query.Measure{Name: "m0", Op: query.Count}
	if c := drawColumn(t, columns); c.Type == dataset.Int { // floats that cancel out differ in too many bits to be divided
		m0 = query.Measure{Name: "m0", Op: query.Sum, Column: c.Name}
	}
	r.Measures = []query.Measure{m0, {Name: "m1", Op: query.CountDistinct, Column: drawColumn(t, columns).Name}}
	timed := slices.ContainsFunc(columns, func(c dataset.Column) bool { return c.Name == dataset.ColumnTime && c.Type == dataset.Time })
	if timed && rapid.Bool().Draw(t, "has time") {
		r.Time, out.zone = window(t)
	}
	if open := r.Time != nil && r.Time.From == ""; !open && rapid.IntRange(0, 3).Draw(t, "has filter") == 0 { // which might end an open range anywhere
		f := drawFilter(t, columns, 1)
		r.Filter = &f
	}
	program, err := query.Bind(r, query.Whole(d.snapshot.Dataset.Kind, d.snapshot.Schema), nil)
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, r)
	}
	out.base = planIn(program)
	out.request = r
	out.drawRest(t)
	return out
}

// drawRest draws what is computed after the engine.
func (d *derivation) drawRest(t *rapid.T) {
	r := &d.request
	r.Measures = append(r.Measures, query.Measure{Name: "f", Expr: d.formula.text})
	if r.Time != nil && r.Time.Grain != "" {
		r.Time.Fill = rapid.Bool().Draw(t, "fill")
		if d.running = rapid.Bool().Draw(t, "running"); d.running {
			r.Measures = append(r.Measures, query.Measure{Name: "run", Op: query.RunningTotal, Of: []string{"m0"}})
		}
	}
	if r.Time != nil && d.base.Range != query.Unbounded && d.base.Range.From < d.base.Range.To && rapid.Bool().Draw(t, "compare") {
		units := []query.ShiftUnit{query.Previous, query.ShiftDay, query.ShiftWeek, query.ShiftMonth, query.ShiftQuarter, query.ShiftYear}
		r.Compare = &query.Compare{Unit: rapid.SampledFrom(units).Draw(t, "unit"), Count: rapid.IntRange(1, 3).Draw(t, "count")}
	}
	if len(r.Dimensions) > 0 && rapid.Bool().Draw(t, "top") {
		i := rapid.IntRange(0, len(r.Dimensions)-1).Draw(t, "top of")
		r.Top = &query.Top{N: rapid.IntRange(1, 3).Draw(t, "n"), Dimension: fmt.Sprint("d", i), By: rapid.SampledFrom([]string{"m1", "f"}).Draw(t, "rank by"), Other: rapid.Bool().Draw(t, "other")}
	}
	r.Totals = rapid.SampledFrom([]query.Totals{"", query.GrandTotal, query.AllTotals}).Draw(t, "totals")
	if rapid.Bool().Draw(t, "having") {
		f := drawHaving(t, 2)
		r.Having = &f
	}
	if rapid.Bool().Draw(t, "ordered") {
		r.Order = []query.Order{{By: rapid.SampledFrom([]string{"m1", "f"}).Draw(t, "by"), Desc: rapid.Bool().Draw(t, "desc")}}
	}
}

// drawWindow draws a bounded range of a few days where clocks change, whose ends are
// midnights of its zone or any quarter of an hour.
func drawWindow(t *rapid.T) (*query.Time, *time.Location) {
	name := rapid.SampledFrom([]string{"UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"}).Draw(t, "zone")
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	first := time.UnixMicro(micros(rapid.SampledFrom([]string{"2026-03-27T00:00:00Z", "2026-10-23T00:00:00Z", "1969-12-30T00:00:00Z"}).Draw(t, "window"))).In(zone)
	end := func(label string) time.Time {
		at := first.Add(time.Duration(rapid.IntRange(0, 12*96).Draw(t, label)) * 15 * time.Minute)
		if rapid.Bool().Draw(t, "midnight") {
			return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone)
		}
		return at
	}
	from, to := end("from"), end("to")
	if from.After(to) {
		from, to = to, from
	}
	out := &query.Time{From: from.Format(time.RFC3339), To: to.Format(time.RFC3339), Zone: name}
	if rapid.Bool().Draw(t, "has grain") {
		out.Grain = rapid.SampledFrom(calendar.Grains[1:]).Draw(t, "grain")
	}
	return out, zone
}

// drawOpen draws buckets of all time.
func drawOpen(t *rapid.T) (*query.Time, *time.Location) {
	out, zone := drawWindow(t)
	return &query.Time{Zone: out.Zone, Grain: rapid.SampledFrom([]calendar.Grain{calendar.Hour, calendar.Day, calendar.Week}).Draw(t, "open grain")}, zone
}

// compareDerived holds a program's answer against the reference.
func compareDerived(t *rapid.T, e engine.Engine, d drawn, window func(*rapid.T) (*query.Time, *time.Location)) {
	asked := drawDerivation(t, d, window)
	program, err := query.Bind(asked.request, query.Whole(d.snapshot.Dataset.Kind, d.snapshot.Schema), nil)
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, asked.request)
	}
	got, err := engine.Answer(context.Background(), e, program, d.snapshot)
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, asked.request)
	}
	want, truncated := asked.answer(d.all, program.Columns())
	if diff := diff.Diff(shown(want, program.Columns()), shown(got.Rows, program.Columns()), near); diff != "" {
		t.Fatalf("rows (-want +got):\n%s\nrequest: %+v, time %+v, top %+v, compare %+v", diff, asked.request, asked.request.Time, asked.request.Top, asked.request.Compare)
	}
	if got.Stats.Truncated != truncated {
		t.Fatalf("truncated %v, want %v", got.Stats.Truncated, truncated)
	}
}

// orderRows sorts rows by columns, nulls last, and cuts them.
func orderRows(rows [][]query.Value, columns []query.Column, order []query.Sort, limit int) ([][]query.Value, bool) {
	slices.SortStableFunc(rows, func(a, b []query.Value) int {
		for _, s := range order {
			v, w := a[s.Column], b[s.Column]
			c := 0
			switch {
			case v.IsNull() || w.IsNull():
				c = cmp.Compare(boolInt(v.IsNull()), boolInt(w.IsNull()))
			case s.Desc:
				c = -compare(v, w, columns[s.Column].Type)
			default:
				c = compare(v, w, columns[s.Column].Type)
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	if len(rows) > limit {
		return rows[:limit], true
	}
	return rows, false
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
