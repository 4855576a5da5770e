// Package enginetest holds the suite that every engine passes: random plans over
// random datasets, against a reference that looks at every row.
package enginetest

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
)

// Run tests an engine that reads segments from a store.
func Run(t *testing.T, store blob.Store, e engine.Engine) {
	made := 0 // datasets, which names them
	t.Run("any plan over any dataset is answered as by looking at every row", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			made++
			d := drawDataset(t, store, made)
			for range plans() {
				plan := drawPlan(t, d.snapshot)
				compareAnswers(t, e, plan, d)
			}
		})
	})
	t.Run("buckets around changes of clocks are those of Go's time package", func(t *testing.T) { clockChanges(t, e) })
	t.Run("any plan over any table is answered as by looking at every row", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			made++
			d := drawTable(t, store, made)
			for range plans() {
				plan := drawPlan(t, d.snapshot)
				compareAnswers(t, e, plan, d)
			}
		})
	})
	t.Run("what is computed of answers is as if computed of every row", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			made++
			d := drawDataset(t, store, made)
			if rapid.IntRange(0, 3).Draw(t, "table") == 0 {
				d = drawTable(t, store, made)
			}
			for range plans() {
				compareDerived(t, e, d, drawWindow)
			}
			compareDerived(t, e, gathered(t, store, made+1, drawDense(t)), drawOpen)
			made++
		})
	})
	for name, draw := range map[string]func(*rapid.T, drawn) query.Request{"funnel": drawFunnel, "retention": drawRetention, "paths": drawPaths, "sessions": drawSessions, "audience": drawAudience} {
		t.Run(name+" is answered as by looking at every row of each subject", func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				made++
				d := gathered(t, store, made, drawDense(t))
				for range plans() {
					compareFollowed(t, e, d, draw(t, d), nil)
				}
			})
		})
	}
	t.Run("an audience as a filter is of all rows of the dataset", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			made++
			d := gathered(t, store, made, drawDense(t))
			for range plans() {
				compareMembers(t, e, d)
			}
		})
	})
	t.Run("approximations are within their bounds", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			made++
			d := drawDataset(t, store, made)
			approximateDistinct(t, e, d)
			approximateQuantile(t, e, d)
		})
		manyDistinct(t, e)
	})
	t.Run("a growing tail is read as far as the snapshot goes", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			made++
			growingTail(t, e, made)
		})
	})
}

// plans is how many questions are asked of a dataset, which costs more to make than to ask.
func plans() int {
	if testing.Short() {
		return 2
	}
	return 4
}

// clockChanges asks for every grain in zones whose clocks change, over rows from
// around each change of two years.
func clockChanges(t *testing.T, e engine.Engine) {
	for number, name := range []string{"Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Australia/Adelaide", "Africa/Casablanca", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
		for _, s := range calendar.Spans(zone, micros("2025-01-01T00:00:00Z"), micros("2026-12-31T00:00:00Z")) {
			for minutes := int64(-1500); minutes <= 1500; minutes += 15 {
				at := max(s.Start, micros("2025-01-01T00:00:00Z")) + minutes*calendar.MinuteMicros
				b.Append(&events.Event{ID: "x", Name: "view", Time: at}, 0)
			}
		}
		over := snapshot.Snapshot{
			Dataset: dataset.Dataset{ID: dataset.ID(fmt.Sprint("z", number)), Kind: dataset.Events},
			Tail:    []snapshot.Part{{ID: 1, Rows: b.View()}}, Release: func() {},
		}
		for _, grain := range calendar.Grains {
			r := query.Request{Measures: []query.Measure{{Op: query.Count}}, Time: &query.Time{Grain: grain, Zone: name}, Limit: query.MaxLimit}
			program, err := query.Bind(r, query.Whole(dataset.Events, dataset.Schema{}), nil)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, e, planIn(program), drawn{over, over.Tail[0].Rows})
		}
	}
}

// drawn is a dataset and all of its rows under its schema.
type drawn struct {
	snapshot snapshot.Snapshot
	all      rows.Batch
}

// drawDataset draws a dataset of events of all sorts.
func drawDataset(t *rapid.T, store blob.Store, number int) drawn {
	return gathered(t, store, number, drawEvent)
}

// gathered makes events under a schema that widens as they come, and puts them into
// segments and tail parts by chance.
func gathered(t *rapid.T, store blob.Store, number int, draw func(t *rapid.T, i int, uuids bool) *events.Event) drawn {
	var schema dataset.Schema
	if rapid.IntRange(0, 3).Draw(t, "full schema") == 0 {
		for i := range dataset.MaxColumns {
			schema.Columns = append(schema.Columns, dataset.Column{Name: fmt.Sprintf("full%d", i), Type: dataset.Int})
		}
	}
	var batches []rows.Batch
	uuids := rapid.Bool().Draw(t, "uuids")
	b := rows.NewBuilder(schema, dataset.Keep)
	for i := range rapid.IntRange(0, 40).Draw(t, "events") {
		e := draw(t, i, uuids)
		if !b.Admits(e) || rapid.IntRange(0, 9).Draw(t, "cut") == 0 {
			next, changed, refusal := rows.Resolve(schema, e, dataset.Keep)
			if refusal != (events.Refusal{}) {
				continue
			}
			if changed {
				schema = next
			}
			batches = append(batches, b.View())
			b = rows.NewBuilder(schema, dataset.Keep)
		}
		b.Append(e, e.Time+1)
	}
	batches = append(batches, b.View())
	d := drawn{snapshot: snapshot.Snapshot{Dataset: dataset.Dataset{ID: dataset.ID(fmt.Sprintf("d%d", number)), Kind: dataset.Events}, Schema: schema, Version: 7, Release: func() {}}}
	for i, batch := range batches {
		d.place(t, store, batch, uint64(i)) // #nosec G115 -- a place in a list
	}
	var err error
	if d.all, err = rows.Merge(batches, schema); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *drawn) place(t *rapid.T, store blob.Store, batch rows.Batch, number uint64) {
	if batch.Len == 0 || rapid.Bool().Draw(t, "in the tail") {
		d.snapshot.Tail = append(d.snapshot.Tail, snapshot.Part{ID: number, Rows: batch})
		return
	}
	for _, order := range segment.Split(batch, rapid.IntRange(1, 5).Draw(t, "least"), rapid.IntRange(1, 20).Draw(t, "days")) {
		origin := segment.Origin{Tenant: "t", Dataset: d.snapshot.Dataset.ID, Shard: "s", From: stream.Sequence(fmt.Sprint(number)), Through: stream.Sequence(fmt.Sprint(number))}
		ref, err := segment.Write(context.Background(), store, origin, batch, order)
		if err != nil {
			t.Fatal(err)
		}
		d.snapshot.Segments = append(d.snapshot.Segments, ref)
	}
}

func compareAnswers(t interface{ Fatalf(string, ...any) }, e engine.Engine, plan query.AggregatePlan, d drawn) {
	got, err := e.Run(context.Background(), plan, d.snapshot)
	if err != nil {
		t.Fatalf("%v\nplan: %+v", err, plan)
	}
	want, truncated := Answer(plan, d.all)
	if diff := cmp.Diff(shown(want, plan.Columns()), shown(got.Rows, plan.Columns()), near); diff != "" {
		t.Fatalf("rows (-want +got):\n%s\nplan: %+v", diff, plan)
	}
	if got.Stats.Truncated != truncated || got.Version != d.snapshot.Version {
		t.Fatalf("truncated %v at version %d, want %v at %d", got.Stats.Truncated, got.Version, truncated, d.snapshot.Version)
	}
}

// near takes floats for equal that differ in the last few bits, or by no more than the
// last bits of the summands that are drawn, but for the greatest: engines add in any
// order, and what a sum has been compensated for may be lost where parts of it meet.
var near = cmp.Comparer(func(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-12*math.Max(math.Abs(a), math.Abs(b))+1e-9
})

// shown turns answers into what cmp can compare: floats as such, all else as JSON.
func shown(rows [][]query.Value, columns []query.Column) [][]any {
	out := make([][]any, len(rows))
	for i, row := range rows {
		for j, v := range row {
			if columns[j].Type == query.Float && !v.IsNull() {
				out[i] = append(out[i], v.Float())
				continue
			}
			out[i] = append(out[i], v.String())
		}
	}
	return out
}

// growingTail reads snapshots of ever more, and sometimes fewer, rows of one part.
func growingTail(t *rapid.T, e engine.Engine, number int) {
	b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
	over := snapshot.Snapshot{Dataset: dataset.Dataset{ID: dataset.ID(fmt.Sprintf("g%d", number)), Kind: dataset.Events}, Release: func() {}}
	var views []rows.Batch
	for i := range rapid.IntRange(1, 10).Draw(t, "steps") {
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			ev := drawEvent(t, i, false)
			ev.Shape, ev.Values = nil, nil
			b.Append(ev, 0)
		}
		views = append(views, b.View())
		over.Tail = []snapshot.Part{{ID: 1, Rows: rapid.SampledFrom(views).Draw(t, "view")}}
		compareAnswers(t, e, drawPlan(t, over), drawn{over, over.Tail[0].Rows})
	}
}
