package crash

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// schedules is how many a run tries; each is named by its seed, and steps is how
// long each is.
const (
	schedules = 2500
	steps     = 40
)

func TestEveryScheduleEndsInTheModelsNumbers(t *testing.T) {
	t.Parallel()
	var total [misfortunes]int
	merges, dropped := 0, 0
	for seed := range uint64(schedules) {
		w := newWorld(t, seed)
		for range steps {
			if seed%2 == 1 && w.rng.IntN(steps/4) == 0 {
				w.declare()
			}
			w.step()
		}
		w.settle()
		if err := w.replay(); err != nil { // ends the replays that broke off
			t.Fatal(err)
		}
		w.settle()
		if dropped += w.check().Dropped; t.Failed() {
			t.Fatalf("schedule %d; misfortunes: %v", seed, w.happened)
		}
		for what, n := range w.happened {
			total[what] += n
		}
		merges += w.merges
	}
	if merges < schedules/2 {
		t.Errorf("%d merges in all schedules: too few to prove anything", merges)
	}
	if dropped < schedules {
		t.Errorf("%d events were dropped by enrichments in all schedules: too few to prove anything", dropped)
	}
	for what := refuse; what < misfortunes; what++ {
		if total[what] < 100 {
			t.Errorf("misfortune %d happened %d times in all schedules: too rarely to prove anything", what, total[what])
		}
	}
	t.Logf("%d schedules; %d merges; misfortunes by kind: %v", schedules, merges, total)
}

// step does one thing, most often with a misfortune waiting in it. A send makes few
// calls, a delivery many.
func (w *world) step() {
	n, calls := w.rng.IntN(24), 14
	if n < 8 {
		calls = 3
	}
	if w.rng.IntN(4) > 0 {
		w.plan(w.rng.IntN(calls), misfortune(1+w.rng.IntN(int(misfortunes-1))))
	}
	defer w.off()
	switch {
	case n < 6:
		w.send(w.batch())
	case n < 8 && len(w.sent) > 0:
		w.send(w.sent[w.rng.IntN(len(w.sent))]) // the sender never saw the answer, and sends again
	case n < 12:
		w.deliver(0)
	case n < 15:
		w.follow(0)
	case n < 17:
		w.follow(1)
	case n < 18:
		w.off()
		w.read()
	case n < 19:
		w.off()
		w.reshard()
	case n < 20:
		survives(func() { _ = w.replay() }) // whatever became of it, it is done again
	case n < 23:
		survives(func() { _ = w.merge() }) // the next one begins anew
	default:
		w.now = w.now.Add(time.Duration(w.rng.IntN(200)) * time.Minute)
	}
}

// settle lets everything that is on the stream be folded by a worker that nothing
// happens to.
func (w *world) settle() {
	w.off()
	_ = w.sender.accepted.Flush(w.t.Context())
	w.restart(0)
	for range 10_000 {
		if _, more := w.ready(); !more {
			return
		}
		w.deliver(0)
	}
	w.t.Fatal("the stream is never drained")
}

// read looks at the newest version as a query does, through each worker: no row is
// there twice, the ledger agrees with the rows, and what is sealed stays visible.
func (w *world) read() {
	defer w.plan(w.countdown, w.what)
	w.off()
	for _, wk := range w.workers {
		snap := w.open(wk)
		all := w.rows(snap)
		if stored := stored(snap); stored != snap.Visible() || stored != int64(len(all)) {
			w.t.Errorf("the ledger has %d stored, %d rows are visible", stored, len(all))
		}
		for id := range w.sealed {
			if _, ok := all[id]; !ok {
				w.t.Errorf("event %s was sealed and is gone", id)
			}
		}
		snap.Tail = nil
		w.sealed = w.rows(snap)
	}
}

func stored(s snapshot.Snapshot) (n int64) {
	for _, l := range s.Ledger().Lines {
		n += l.Stored
	}
	return n
}

func (w *world) open(wk *worker) snapshot.Snapshot {
	snap, err := wk.live.Open(w.t.Context(), owner, "web", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return snap
}

// rows reads every row of a snapshot, from files and tail, by event id.
func (w *world) rows(s snapshot.Snapshot) map[string]string {
	out := map[string]string{}
	cache := segment.NewCache(w.blobs, 1<<20)
	for _, ref := range s.Segments {
		batch, err := cache.ReadRows(w.t.Context(), ref)
		if err != nil {
			w.t.Fatal(err)
		}
		w.collect(out, batch)
	}
	for _, part := range s.Tail {
		w.collect(out, part.Rows)
	}
	return out
}

func (w *world) collect(out map[string]string, b rows.Batch) {
	for row := range b.Len {
		id := string(b.Columns[rows.EventID].Text(row))
		if _, twice := out[id]; twice {
			w.t.Errorf("event %s has two rows", id)
		}
		out[id] = fmt.Sprintf("%s %d %d %s %s", b.Columns[rows.Event].Text(row), b.Columns[rows.Time].Ints[row],
			b.Columns[rows.Received].Ints[row], b.Columns[rows.UserID].Text(row), freeOf(b, row))
	}
}

// freeOf writes the free property of a row, whatever type its column has.
func freeOf(b rows.Batch, row int) string {
	i := slices.IndexFunc(b.Columns, func(c rows.Column) bool { return c.Name == free })
	if i < 0 || b.Columns[i].IsNull(row) {
		return "-"
	}
	switch c := &b.Columns[i]; c.Type {
	case dataset.Int:
		return fmt.Sprint(c.Ints[row])
	case dataset.Float:
		return dataset.FormatFloat(c.Float[row])
	default:
		return string(c.Text(row))
	}
}

// check compares what the stores hold with the model, to the last number.
func (w *world) check() outcome {
	want := model(w.t, w.stream, w.dataset)
	st, err := manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}.Load(w.t.Context(), owner, w.dataset.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	snap := snapshot.OfState(w.dataset, st)
	got := outcome{Rows: w.rows(snap), Duplicates: w.duplicates(st), Quarantined: w.quarantined(st), Arrived: want.Arrived}
	for _, ref := range st.Of(segment.Dropped) {
		got.Dropped += int(ref.Rows)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("the model (-) and the stores (+) differ:\n%s", diff)
	}
	w.balance(want, snap)
	return want
}

// balance checks the equation of conservation, and each side of it.
func (w *world) balance(want outcome, snap snapshot.Snapshot) {
	acknowledged, err := ledger.Acknowledged(w.t.Context(), w.table, owner, w.dataset.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	sum, _ := ledger.Balance(acknowledged, snap.Ledger())
	copies := 0
	for _, n := range want.Duplicates {
		copies += n
	}
	expected := ledger.Row{Accepted: int64(want.Arrived), Counts: ledger.Counts{
		Stored: int64(len(want.Rows)), Duplicate: int64(copies), Quarantined: int64(len(want.Quarantined)), Dropped: int64(want.Dropped)}}
	if diff := cmp.Diff(expected, sum); diff != "" {
		w.t.Errorf("the ledger is wrong: %s", diff)
	}
	if sum.Stored != snap.Visible()+snap.State.Ledger.Erased {
		w.t.Errorf("stored %d, visible %d", sum.Stored, snap.Visible())
	}
	if sum.Accepted < int64(w.answered) {
		w.t.Errorf("%d were acknowledged and %d accepted", w.answered, sum.Accepted)
	}
}

func (w *world) duplicates(st manifest.State) map[string]int {
	out := map[string]int{}
	cache := segment.NewCache(w.blobs, 1<<20)
	for _, ref := range st.Of(segment.Duplicates) {
		index, err := cache.Index(w.t.Context(), ref)
		if err != nil {
			w.t.Fatal(err)
		}
		for n := range 60 {
			id := segment.NewID(fmt.Sprintf("e%d", n))
			found, err := index.Find(w.t.Context(), &id)
			if err != nil {
				w.t.Fatal(err)
			}
			if len(found) > 0 {
				out[fmt.Sprintf("e%d", n)] += len(found)
			}
		}
	}
	return out
}

func (w *world) quarantined(st manifest.State) (out []string) {
	cache := segment.NewCache(w.blobs, 1<<20)
	for _, ref := range st.Of(segment.Quarantine) {
		kept, err := cache.ReadQuarantine(w.t.Context(), ref)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, q := range kept {
			code := q.Code
			if strings.Contains(q.Reason, declared) {
				code = conflict
			}
			out = append(out, inQuarantine(q.EventID, code, q.Received))
		}
	}
	slices.Sort(out)
	return out
}
