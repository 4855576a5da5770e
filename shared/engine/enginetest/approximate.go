package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// deviation is the standard error of approximate distinct counts.
const deviation = 0.01625

// ask answers a request.
func ask(t interface{ Fatalf(string, ...any) }, e engine.Engine, over snapshot.Snapshot, r query.Request) [][]query.Value {
	program, err := query.Bind(r, query.Whole(over.Dataset.Kind, over.Schema), nil)
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, r)
	}
	got, err := engine.Answer(context.Background(), e, program, over)
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, r)
	}
	return got.Rows
}

// approximateDistinct holds approximate counts of few values against exact ones.
func approximateDistinct(t *rapid.T, e engine.Engine, d drawn) {
	columns := columnsToAsk(d.snapshot)
	c := drawColumn(t, columns)
	r := query.Request{Limit: query.MaxLimit, Measures: []query.Measure{{Name: "near", Op: query.ApproxDistinct, Column: c.Name}, {Name: "exact", Op: query.CountDistinct, Column: c.Name}}}
	if rapid.Bool().Draw(t, "has dimension") {
		r.Dimensions = []query.Dimension{{Name: "d", Column: drawColumn(t, columns).Name}}
	}
	if rapid.Bool().Draw(t, "has filter") {
		f := drawFilter(t, columns, 1)
		r.Measures[0].Filter, r.Measures[1].Filter = &f, &f
	}
	if rapid.Bool().Draw(t, "ordered") {
		r.Order = []query.Order{{By: "near", Desc: true}}
	}
	for _, row := range ask(t, e, d.snapshot, r) {
		near, exact := row[len(row)-2].Int(), row[len(row)-1].Int()
		if math.Abs(float64(near-exact)) > math.Max(2, 5*deviation*float64(exact)) || near == 0 != (exact == 0) {
			t.Fatalf("about %d, and exactly %d\nrequest: %+v", near, exact, r)
		}
	}
}

// approximateQuantile holds an approximate quantile against the value of its rank.
func approximateQuantile(t *rapid.T, e engine.Engine, d drawn) {
	numbers := slices.DeleteFunc(columnsToAsk(d.snapshot), func(c dataset.Column) bool { return c.Type != dataset.Int && c.Type != dataset.Float })
	if len(numbers) == 0 {
		t.Skip("no numbers")
	}
	c, q := drawColumn(t, numbers), rapid.SampledFrom([]float64{0, 0.1, 0.5, 0.95, 1}).Draw(t, "q")
	var sorted []float64
	for row := range d.all.Len {
		if v := field(d.all, row, query.Field{Name: c.Name, Type: c.Type}); !v.IsNull() {
			sorted = append(sorted, asFloat(v))
		}
	}
	slices.SortFunc(sorted, cmp.Compare[float64])
	r := query.Request{Measures: []query.Measure{{Name: "near", Op: query.ApproxQuantile, Column: c.Name, Q: q}}}
	got := ask(t, e, d.snapshot, r)[0][0]
	if len(sorted) == 0 {
		if !got.IsNull() {
			t.Fatalf("a quantile of nothing is %v", got)
		}
		return
	}
	want := sorted[int(q*float64(len(sorted)-1))]
	if got.IsNull() || math.Abs(got.Float()-want) > (query.Accuracy+1e-9)*math.Abs(want) {
		t.Fatalf("the quantile %v of %v is about %v, want %v", q, sorted, got, want)
	}
}

// manyDistinct holds approximate counts of many values against how many there are.
func manyDistinct(t *testing.T, e engine.Engine) {
	b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
	sizes := map[string]int{"ten": 10, "thousand": 1000, "many": 60_000}
	for name, n := range sizes {
		for i := range n + n/2 { // half of them come twice
			b.Append(&events.Event{ID: "x", Name: name, UserID: fmt.Sprintf("user-%d", i%n), Time: int64(i)}, 0)
		}
	}
	over := snapshot.Snapshot{Dataset: dataset.Dataset{ID: "many", Kind: dataset.Events}, Tail: []snapshot.Part{{ID: 1, Rows: b.View()}}, Release: func() {}}
	r := query.Request{Measures: []query.Measure{{Op: query.ApproxDistinct, Column: "user_id"}}, Dimensions: []query.Dimension{{Column: "event"}}}
	for _, row := range ask(t, e, over, r) {
		want := sizes[row[0].Text()]
		if off := math.Abs(float64(row[1].Int())/float64(want) - 1); off > 3*deviation {
			t.Errorf("of %d values about %d are counted: %.2f%% off", want, row[1].Int(), 100*off)
		}
	}
}
