package partial_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/duck/ducktest"
	"github.com/tarnhq/tarn/shared/engine/enginetest"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/fake"
)

func open(t *testing.T, store *fake.Blobs) engine.Engine {
	t.Helper()
	return ducktest.Open(t, store, duck.Config{Now: func() time.Time { return time.Unix(0, 0) }})
}

// TestAnAnswerPutTogetherIsTheAnswer runs the suite of every engine.
func TestAnAnswerPutTogetherIsTheAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute; what is short is asked again and again")
	}
	store := &fake.Blobs{}
	enginetest.Run(t, store, partial.New(partial.Config{Inner: open(t, store), Worth: 1}))
}

func TestAQuestionAskedAgainIsAnsweredOfWhatIsThereThen(t *testing.T) {
	store := &fake.Blobs{}
	inner := open(t, store)
	if !testing.Short() {
		t.Run("kept in memory", func(t *testing.T) {
			enginetest.RunRepeated(t, store, func() engine.Engine { return partial.New(partial.Config{Inner: inner, Worth: 1}) })
		})
	}
	t.Run("kept in blobs too", func(t *testing.T) {
		enginetest.RunRepeated(t, store, func() engine.Engine {
			return partial.New(partial.Config{Inner: inner, Worth: 1, Stored: 1, Blobs: store})
		})
	})
	t.Run("with memory for little", func(t *testing.T) {
		enginetest.RunRepeated(t, store, func() engine.Engine {
			return partial.New(partial.Config{Inner: inner, Worth: 1, Stored: 1, Blobs: store, Memory: 2000})
		})
	})
}

// world is a dataset that grows, and an engine that keeps answers.
type world struct {
	blobs  *fake.Blobs
	inner  *counting
	engine engine.Engine
	over   snapshot.Snapshot
	rows   int64
}

func newWorld(t *testing.T) *world {
	w := &world{blobs: &fake.Blobs{}}
	w.inner = &counting{Engine: open(t, w.blobs)}
	w.over = snapshot.Snapshot{Dataset: dataset.Dataset{ID: "web", Kind: dataset.Events}, Release: func() {},
		Schema: dataset.Schema{Columns: []dataset.Column{{Name: "n", Type: dataset.Int}, {Name: "k", Type: dataset.Int}}}}
	w.restart()
	return w
}

func (w *world) restart() {
	w.engine = partial.New(partial.Config{Inner: w.inner, Blobs: w.blobs, Worth: 1, Stored: 1})
}

// seal adds a segment with rows of a day.
func (w *world) seal(t *testing.T, day, n int) {
	t.Helper()
	b := rows.NewBuilder(w.over.Schema, dataset.Keep)
	shape := &events.Shape{Names: []string{"n", "k"}}
	begin := time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC).UnixMicro()
	for i := range n {
		w.rows++
		b.Append(&events.Event{ID: fmt.Sprint(w.rows), Name: fmt.Sprint("event", i%3), UserID: fmt.Sprint("user", w.rows%97), Time: begin + int64(i),
			Shape: shape, Values: []events.Value{{Kind: events.Int, Int: w.rows}, {Kind: events.Int, Int: w.rows % 2}}}, begin)
	}
	w.over.Version++
	at := stream.Sequence(fmt.Sprint(w.over.Version))
	ref, err := segment.Write(t.Context(), w.blobs, segment.Origin{Tenant: "acme", Dataset: "web", Shard: "s", From: at, Through: at}, b.View(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.over.Segments = append(slices.Clone(w.over.Segments), ref)
}

// ask checks how many rows are looked at for an answer, and that it is the right one.
func (w *world) ask(t *testing.T, request string, looked int64) {
	t.Helper()
	r, err := query.Decode([]byte(`{"dataset": "web", ` + request + `}`))
	if err != nil {
		t.Fatal(err)
	}
	program, err := query.Bind(r, query.Whole(dataset.Events, w.over.Schema), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := w.inner.rows
	got, err := engine.Answer(t.Context(), w.engine, program, w.over)
	if err != nil {
		t.Fatal(err)
	}
	if n := w.inner.rows - before; n != looked || got.Stats.RowsScanned != looked {
		t.Errorf("version %d: %d rows are looked at, %d told; want %d", w.over.Version, n, got.Stats.RowsScanned, looked)
	}
	want, err := engine.Answer(t.Context(), w.inner.Engine, program, w.over)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Rows, want.Rows) {
		t.Errorf("version %d: %v, want %v", w.over.Version, got.Rows, want.Rows)
	}
}

func (w *world) stored(t *testing.T) int {
	t.Helper()
	page, err := w.blobs.List(t.Context(), "t/acme/d/web/"+partial.Folder, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Blobs)
}

// counting counts the rows that an engine looks at.
type counting struct {
	engine.Engine
	rows int64
}

func (c *counting) Run(ctx context.Context, p query.Plan, over snapshot.Snapshot) (query.Result, error) {
	r, err := c.Engine.Run(ctx, p, over)
	c.rows += r.Stats.RowsScanned
	return r, err
}

// TestAQuestionAskedAgainLooksAtWhatCameSince asks as rows of the last day come, and of
// the first.
func TestAQuestionAskedAgainLooksAtWhatCameSince(t *testing.T) {
	const days, perDay, late = 30, 200, 10
	const all = days * perDay
	for name, c := range map[string]struct {
		request                           string
		first, again, afterNew, afterLate int64 // rows looked at
	}{
		"of any rows":      {`"measures": ["count", {"op": "avg", "column": "n"}], "dimensions": ["event"]`, all, 0, late, late},
		"by week":          {`"measures": [{"op": "sum", "column": "n"}], "time": {"grain": "week", "zone": "Europe/Zurich"}`, all, 0, late, late},
		"exact by day":     {`"measures": [{"op": "count_distinct", "column": "user_id"}], "time": {"grain": "day"}`, all + perDay, 0, 2 * late, perDay + late},
		"exact by hour":    {`"measures": [{"op": "median", "column": "k"}], "time": {"grain": "hour", "zone": "Europe/Zurich"}`, all + 3*perDay, 0, 2 * late, 2*perDay + late},
		"not repeated":     {`"measures": [{"op": "median", "column": "n"}], "time": {"grain": "day"}`, all + perDay, 0, perDay + late, perDay + late},
		"funnel":           {`"kind": "funnel", "steps": [{"filter": {"column": "event", "op": "=", "value": "event0"}}, {}]`, all, 0, late, late},
		"retention":        {`"kind": "retention"`, all, 0, late, late},
		"paths":            {`"kind": "paths", "depth": 2`, all, 0, late, late},
		"sessions":         {`"kind": "sessions", "timeout": "1h"`, all, 0, late, late},
		"exact altogether": {`"measures": ["count", {"op": "count_distinct", "column": "user_id"}], "dimensions": ["event"]`, 2 * all, 0, 2 * late, 2 * late},
		"exact by month":   {`"measures": [{"op": "count_distinct", "column": "user_id"}, {"op": "avg", "column": "n"}], "time": {"grain": "month", "zone": "Europe/Zurich"}`, 2 * all, 0, 2 * late, 2 * late},
		"median":           {`"measures": [{"op": "median", "column": "k"}]`, all, 0, late, late},
		"an hour of old":   {`"measures": ["count"], "time": {"from": "2026-01-03T00:00:00Z", "to": "2026-01-03T01:00:00.00005Z", "grain": "hour"}, "filter": {"column": "event", "op": "=", "value": "event1"}`, perDay, 0, 0, 0},
		"no median":        {`"measures": [{"op": "median", "column": "n"}]`, all + perDay, all, all + late, all + 2*late},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for day := range days {
				w.seal(t, day, perDay)
			}
			w.ask(t, c.request, c.first)
			w.ask(t, c.request, c.again)
			w.seal(t, days-1, late)
			w.ask(t, c.request, c.afterNew)
			w.seal(t, 0, late)
			w.ask(t, c.request, c.afterLate)
		})
	}
}

// TestQuestionsOfSeveralRangesKeepTheirUnits asks about a week and about everything in
// turn, as a page with both does.
func TestQuestionsOfSeveralRangesKeepTheirUnits(t *testing.T) {
	const days, perDay, late = 30, 200, 10
	const counted = `"measures": ["count"], "dimensions": ["event"]`
	const week = counted + `, "time": {"from": "2026-01-24T00:00:00Z"}`
	w := newWorld(t)
	for day := range days {
		w.seal(t, day, perDay)
	}
	w.ask(t, counted, days*perDay)
	w.ask(t, week, 5*perDay) // two days have units of their own
	for range 3 {
		w.ask(t, counted, 0)
		w.ask(t, week, 0)
		w.seal(t, days-1, late)
		w.ask(t, counted, late)
		w.ask(t, week, 0)
	}
}

// TestWhatOneProcessKeptServesTheNext asks from a process that has nothing in memory.
func TestWhatOneProcessKeptServesTheNext(t *testing.T) {
	const request = `"measures": ["count"], "dimensions": ["event"]`
	w := newWorld(t)
	w.seal(t, 0, 500)
	w.ask(t, request, 500)
	w.restart()
	w.ask(t, request, 0)
	w.seal(t, 0, 10)
	w.ask(t, request, 10)
	w.restart()
	w.ask(t, request, 0)
	if n := w.stored(t); n != 1 {
		t.Errorf("%d blobs are kept of one question", n)
	}
}

// TestWhatCannotBeReadOrKeptCostsAScan breaks what was kept.
func TestWhatCannotBeReadOrKeptCostsAScan(t *testing.T) {
	const request = `"measures": ["count"], "dimensions": ["event"]`
	w := newWorld(t)
	w.seal(t, 0, 500)
	w.ask(t, request, 500)
	page, err := w.blobs.List(t.Context(), "t/acme/d/web/"+partial.Folder, "", 10)
	if err != nil || len(page.Blobs) != 1 {
		t.Fatalf("%v, %v", page, err)
	}
	key := page.Blobs[0].Key
	if err := w.blobs.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := w.blobs.Put(t.Context(), key, []byte("nonsense")); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.ask(t, request, 500)
}
