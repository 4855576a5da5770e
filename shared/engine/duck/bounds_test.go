package duck_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/duck/ducktest"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

func engineOf(t *testing.T, config duck.Config) *duck.Engine {
	t.Helper()
	return ducktest.Open(t, &memory{blobs: map[string][]byte{}}, config)
}

// tailOf is a dataset of n events, each of a user of its own.
func tailOf(n int) snapshot.Snapshot {
	b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
	for i := range n {
		b.Append(&events.Event{ID: fmt.Sprint(i), Name: "view", UserID: fmt.Sprintf("%0200d", i), Time: int64(i)}, 0)
	}
	return snapshot.Snapshot{Dataset: dataset.Dataset{ID: "d", Kind: dataset.Events}, Tail: []snapshot.Part{{ID: 1, Rows: b.View()}}, Release: func() {}}
}

func planOf(t *testing.T, body string) query.Plan {
	t.Helper()
	r, err := query.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	program, err := query.Bind(r, query.Whole(dataset.Events, dataset.Schema{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return planIn(t, program)
}

// planIn returns the plan of a plain question.
func planIn(t testing.TB, program query.Program) (plan query.Plan) {
	t.Helper()
	keep := func(p query.Plan) (query.Result, error) { plan = p; return query.Result{}, nil }
	if _, err := program.Run(keep); err != nil {
		t.Fatal(err)
	}
	return plan
}

const (
	countAll = `{"dataset":"d","measures":["count"]}`
	perUser  = `{"dataset":"d","measures":["count"],"dimensions":["user_id"],"limit":100000}`
)

func TestAQueryPastItsBoundsIsToldSoAndItsNeighboursAreServed(t *testing.T) {
	cases := map[string]struct {
		config duck.Config
		code   string
		kind   fault.Kind
	}{
		"time":   {duck.Config{Deadline: time.Nanosecond}, "deadline", fault.Unavailable},
		"memory": {duck.Config{Memory: 24 << 20}, "out_of_memory", fault.Invalid},
		"tail":   {duck.Config{Memory: 8 << 20}, "tail_out_of_memory", fault.Unavailable},
		"answer": {duck.Config{MaxAnswer: 1 << 20}, "answer_too_large", fault.Invalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := engineOf(t, c.config)
			_, err := e.Run(t.Context(), planOf(t, perUser), tailOf(50_000))
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != c.code || f.Kind != c.kind || f.Hint == "" {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if c.config.Deadline > 0 {
				return
			}
			small, err := e.Run(t.Context(), planOf(t, countAll), tailOf(10))
			if err != nil || small.Rows[0][0] != query.IntValue(10) {
				t.Errorf("the next query: %v, %v", small.Rows, err)
			}
		})
	}
}

func TestAQueryStopsWhenItsCallerGoes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engineOf(t, duck.Config{}).Run(ctx, planOf(t, countAll), tailOf(1)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestFilesOutsideTheReadableFoldersAreOutOfReach(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	store := &folder{memory{blobs: map[string][]byte{}}, dir}
	e := openFor(t, store, dir)
	ref, err := segment.Write(t.Context(), store, segment.Origin{Tenant: "t", Dataset: "d", Shard: "s"}, tailOf(3).Tail[0].Rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	over := tailOf(0)
	over.Segments = []segment.Ref{ref}
	if got, err := e.Run(t.Context(), planOf(t, countIDs), over); err != nil || got.Rows[0][0] != query.IntValue(3) {
		t.Fatalf("within: %v, %v", got.Rows, err)
	}
	outside := filepath.Join(other, "x.parquet")
	if err := os.WriteFile(outside, store.blobs[ref.Key], 0o600); err != nil {
		t.Fatal(err)
	}
	store.dir = other
	over.Segments[0].Key = "x.parquet"
	if _, err := e.Run(t.Context(), planOf(t, countIDs), over); err == nil || !strings.Contains(err.Error(), "Permission") {
		t.Errorf("outside: %v", err)
	}
}

func TestSegmentsThatCannotMatchAreNotRead(t *testing.T) {
	e := engineOf(t, duck.Config{})
	const day = 86_400_000_000
	gone := []segment.Ref{ // reading any would fail
		{Key: "before", Rows: 1, MinTime: 0, MaxTime: day - 1, Days: []segment.Day{0}},
		{Key: "after", Rows: 1, MinTime: 2 * day, MaxTime: 3 * day, Days: []segment.Day{2, 3}},
		{Key: "around", Rows: 2, MinTime: 0, MaxTime: 3 * day, Days: []segment.Day{0, 3}},
	}
	over := tailOf(5)
	over.Segments = gone
	got, err := e.Run(t.Context(), planOf(t, `{"dataset":"d","measures":[{"op":"count","column":"event_id"}],"time":{"from":"1970-01-02T00:00:00Z","to":"1970-01-03T00:00:00Z"}}`), over)
	if err != nil || got.Rows[0][0] != query.IntValue(0) {
		t.Fatalf("%v, %v", got.Rows, err)
	}
	if got.Stats.Segments != 0 || got.Stats.SegmentsPruned != 3 || got.Stats.RowsScanned != 5 {
		t.Errorf("stats %+v", got.Stats)
	}
}

// countIDs reads a column; the number of rows alone needs none.
const countIDs = `{"dataset":"d","measures":[{"op":"count","column":"event_id"}]}`

func TestTheNumberOfRowsIsKnownWithoutReadingThem(t *testing.T) {
	const day = 86_400_000_000
	over := tailOf(5)
	first := over.Tail[0].Rows.Columns[rows.Time].Ints[0]
	over.Segments = []segment.Ref{{Key: "absent", Rows: 7, MinTime: first, MaxTime: first, Days: []segment.Day{segment.DayOf(first)}}}
	at := func(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }
	for claim, c := range map[string]struct {
		query string
		want  int64
	}{
		"of all time":               {`{"dataset":"d","measures":["count"]}`, 12},
		"twice, by two names":       {`{"dataset":"d","measures":["count",{"op":"count","name":"n"}]}`, 12},
		"of a range that holds all": {`{"dataset":"d","measures":["count"],"time":{"from":"` + at(first-day) + `","to":"` + at(first+day) + `"}}`, 12},
		"of a range before all":     {`{"dataset":"d","measures":["count"],"time":{"from":"` + at(first-2*day) + `","to":"` + at(first-day) + `"}}`, 0},
	} {
		t.Run(claim, func(t *testing.T) {
			got, err := engineOf(t, duck.Config{}).Run(t.Context(), planOf(t, c.query), over)
			if err != nil || got.Rows[0][0] != query.IntValue(c.want) {
				t.Errorf("%v, %v, want %d", got.Rows, err, c.want)
			}
		})
	}
	for claim, q := range map[string]string{
		"a filter":             `{"dataset":"d","measures":["count"],"filter":{"column":"event","op":"=","value":"x"}}`,
		"a measure's filter":   `{"dataset":"d","measures":[{"op":"count","filter":{"column":"event","op":"=","value":"x"}}]}`,
		"a column":             countIDs,
		"a dimension":          `{"dataset":"d","measures":["count"],"dimensions":["event"]}`,
		"a range that cuts it": `{"dataset":"d","measures":["count"],"time":{"from":"` + at(first+1) + `","to":"` + at(first+day) + `"}}`,
	} {
		over := over
		if claim == "a range that cuts it" {
			over.Segments = []segment.Ref{{Key: "absent", Rows: 7, MinTime: first, MaxTime: first + 5, Days: []segment.Day{segment.DayOf(first)}}}
		}
		if got, err := engineOf(t, duck.Config{}).Run(t.Context(), planOf(t, q), over); err == nil {
			t.Errorf("%s: %v without reading the rows", claim, got.Rows)
		}
	}
}
