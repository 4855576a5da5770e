package duck_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/tests/fake"
)

// trips makes a batch of n flights, one an hour, whose delays are of a type.
func trips(delays dataset.Type, from time.Time, n int) rows.Batch {
	at := rows.Column{Column: dataset.Column{Name: "time", Type: dataset.Time}}
	delay := rows.Column{Column: dataset.Column{Name: "delay", Type: delays}}
	origin := rows.Column{Column: dataset.Column{Name: "event", Type: dataset.Text}} // as events have one
	for i := range n {
		at.Ints = append(at.Ints, from.Add(time.Duration(i)*time.Hour).UnixMicro())
		delay.Ints, delay.Float = append(delay.Ints, int64(i)), append(delay.Float, float64(i)+0.5)
		origin.Bytes = append(origin.Bytes, "ABCDE"[i%5])
		origin.Ends = append(origin.Ends, uint32(i+1))
	}
	return rows.Batch{Columns: []rows.Column{at, delay, origin}, Len: n}
}

func TestLoadsAreQueriedAsOneTable(t *testing.T) {
	store := &fake.Blobs{}
	meta := manifest.Store{Table: &fake.Table{}, Blobs: store, Now: time.Now}
	d := dataset.Dataset{ID: "abcdefghijkl", Name: "trips", Kind: dataset.Table}
	january := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	february := january.AddDate(0, 1, 0)
	for id, batch := range []rows.Batch{trips(dataset.Int, january, 100), trips(dataset.Float, february, 50)} {
		parts := func(yield func(rows.Batch, error) bool) { yield(batch, nil) }
		if _, err := (load.Loader{Manifest: meta}).Load(t.Context(), "main", d, load.Plan{ID: load.ID(fmt.Sprint(id)), Mode: load.Append, Parts: load.Rows(parts)}); err != nil {
			t.Fatal(err)
		}
	}
	st, err := meta.Load(t.Context(), "main", d.ID)
	if err != nil {
		t.Fatal(err)
	}
	over, e := snapshot.OfState(d, st), openFor(t, store, t.TempDir())
	for claim, c := range map[string]struct {
		request string
		want    [][]any
		skipped int
	}{
		"all of it": {`{"dataset": "trips", "measures": ["count", {"op": "sum", "column": "delay"}]}`,
			[][]any{{int64(150), 4950.0 + 1250}}, 0},
		"a range of time skips the other load": {`{"dataset": "trips", "measures": ["count", {"op": "max", "column": "delay"}],
			"time": {"from": "2026-02-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"}}`,
			[][]any{{int64(24), 23.5}}, 1},
		"columns of an event's names are the table's": {`{"dataset": "trips", "measures": ["count"], "dimensions": ["event"],
			"filter": {"column": "delay", "op": "<", "value": 7}}`,
			[][]any{{"A", int64(4)}, {"B", int64(4)}, {"C", int64(2)}, {"D", int64(2)}, {"E", int64(2)}}, 0},
		"buckets of time": {`{"dataset": "trips", "measures": ["count"], "time": {"grain": "month", "zone": "Europe/Zurich"}}`,
			[][]any{{january.Add(-time.Hour).UnixMicro(), int64(100)}, {february.Add(-time.Hour).UnixMicro(), int64(50)}}, 0},
	} {
		t.Run(claim, func(t *testing.T) {
			got, stats := ask(t, e.Run, c.request, over)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if stats.SegmentsPruned != c.skipped {
				t.Errorf("%d segments were skipped, want %d", stats.SegmentsPruned, c.skipped)
			}
		})
	}
}

// ask answers a request with plain values.
func ask(t *testing.T, run func(context.Context, query.Plan, snapshot.Snapshot) (query.Result, error), request string, over snapshot.Snapshot) ([][]any, query.Stats) {
	t.Helper()
	r, err := query.Decode([]byte(request))
	if err != nil {
		t.Fatal(err)
	}
	program, err := query.Bind(r, query.Whole(over.Dataset.Kind, over.Schema), nil)
	if err != nil {
		t.Fatal(err)
	}
	result, err := program.Run(func(p query.Plan) (query.Result, error) { return run(t.Context(), p, over) })
	if err != nil {
		t.Fatal(err)
	}
	var all [][]any
	for _, row := range result.Rows {
		var values []any
		for i, v := range row {
			switch result.Columns[i].Type {
			case query.Float:
				values = append(values, v.Float())
			case query.Text:
				values = append(values, v.Text())
			default:
				values = append(values, v.Int())
			}
		}
		all = append(all, values)
	}
	return all, result.Stats
}
