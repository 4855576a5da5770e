package crash

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fate"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/retention"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/suppression"
)

// keptDays is how long the dataset of a keeping world keeps its events.
const keptDays = 5

// keeping is a world whose dataset keeps its events for some days.
type keeping struct {
	*world
	expired retention.Report
}

func newKeeping(t *testing.T, seed uint64) *keeping {
	w := &keeping{world: newWorld(t, seed)}
	w.now = noonOf(w.now)
	w.off()
	days := keptDays
	d, err := dataset.Catalog{Table: w.table, Now: w.clock}.Update(t.Context(), owner, "web", dataset.Change{Settings: &dataset.Settings{RetentionDays: &days}})
	if err != nil {
		t.Fatal(err)
	}
	w.dataset = d
	w.workers = [2]*worker{w.newWorker(), w.newWorker()}
	w.injector.aside, w.injector.after = w.meanwhile, func() {}
	return w
}

func noonOf(t time.Time) time.Time { return t.Truncate(24 * time.Hour).Add(12 * time.Hour) }

// sends sends some events. Those of one day have ids of their own, and an id one time:
// what is sent again with another time after the first copy has expired may be a new
// event or a copy, by who was faster.
func (w *keeping) sends() {
	batch := w.batch()
	for i := range batch {
		e := &batch[i]
		n := numberOf(e.ID)
		e.Time, e.MadeTime = w.now.Truncate(24*time.Hour).Add(-time.Duration(n*7%72)*time.Hour).UnixMicro(), false
		if n%12 == 1 {
			e.Time = time.Date(1970+n%56, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		}
		e.ID = w.now.Format("0102-") + e.ID
	}
	w.send(batch)
}

// tomorrow moves the clock on by days, once all that was sent is folded and no replay is
// half done. The day changes nowhere else.
func (w *keeping) tomorrow() {
	w.off()
	w.settle()
	if err := w.replayAsItIs(); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
	w.now = noonOf(w.now).Add(time.Duration(1+w.rng.IntN(3)) * 24 * time.Hour)
}

// replayAsItIs sends what is in quarantine again, and mends nothing.
func (w *keeping) replayAsItIs() error {
	store := manifest.Store{Table: faultyTable{w.table, &w.injector}, Blobs: faultyBlobs{w.blobs, &w.injector}, Now: w.clock}
	st, err := store.Load(w.t.Context(), owner, w.dataset.ID)
	if err != nil {
		return err
	}
	replayer := quarantine.Replayer{Manifest: store, Segments: segment.NewCache(store.Blobs, 1<<20), Enricher: w.enricher(), Ingest: w.options(0)}
	_, _, err = replayer.Replay(w.t.Context(), owner, snapshot.OfState(w.dataset, st), nil)
	return err
}

// expire takes one step of removing what has expired.
func (w *keeping) expire() error {
	store := manifest.Store{Table: faultyTable{w.table, &w.injector}, Blobs: faultyBlobs{w.blobs, &w.injector}, Now: w.clock}
	r, err := retention.Keeper{Manifest: store, Now: w.clock}.Step(w.t.Context(), owner, w.dataset)
	if err == nil {
		w.expired = w.expired.Plus(r)
	}
	return err
}

func (w *keeping) meanwhile() {
	switch w.rng.IntN(4) {
	case 0:
		_ = w.merge()
	case 1:
		_ = w.expire()
	case 2:
		_ = w.expire()
		if w.now.Hour() < 20 {
			w.tidy()
		}
	default:
		w.deliver(1 - w.busy)
	}
}

// step does one thing, most often with a misfortune waiting in it.
func (w *keeping) step() {
	if w.rng.IntN(4) > 0 {
		w.plan(w.rng.IntN(14), misfortune(1+w.rng.IntN(int(misfortunes-1))))
	}
	defer w.off()
	switch n := w.rng.IntN(20); {
	case n < 5:
		w.sends()
	case n < 6 && len(w.sent) > 0:
		w.send(w.sent[w.rng.IntN(len(w.sent))])
	case n < 9:
		w.deliver(0)
	case n < 11:
		w.follow(w.rng.IntN(2))
	case n < 13:
		survives(func() { _ = w.merge() })
	case n < 14:
		survives(func() { _ = w.replayAsItIs() })
	case n < 18:
		survives(func() { _ = w.expire() })
	default:
		w.tomorrow()
	}
}

// complete removes all that has expired.
func (w *keeping) complete() {
	w.off()
	for before := -1; before != w.expired.Segments; {
		before = w.expired.Segments
		if err := w.expire(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// expireAt takes out of a model what has expired at a time.
func (o *outcome) expireAt(s dataset.Settings, now time.Time) (erased int) {
	horizon, quarantined := s.Horizon(now.UnixMicro()), s.Horizon(now.AddDate(0, 0, -1).UnixMicro())
	for id, row := range o.Rows {
		var name string
		var at int64
		if _, _ = fmt.Sscanf(row, "%s %d", &name, &at); at < horizon {
			delete(o.Rows, id)
			erased++
		}
	}
	o.Quarantined = slices.DeleteFunc(o.Quarantined, func(q string) bool {
		var arrived int64
		_, _ = fmt.Sscanf(q[strings.LastIndexByte(q, ' ')+1:], "%d", &arrived)
		if arrived < quarantined {
			o.Dropped++
		}
		return arrived < quarantined
	})
	return erased
}

// checkKept compares what is there with the model, less what has expired.
func (w *keeping) checkKept() {
	w.complete()
	w.tidy()
	want := model(w.t, w.stream, w.dataset)
	copies := 0
	for _, n := range want.Duplicates {
		copies += n
	}
	stored := len(want.Rows)
	erased := want.expireAt(w.dataset.Settings, w.now)
	snap := snapshot.OfState(w.dataset, w.state())
	got := outcome{Rows: w.rows(snap), Quarantined: w.quarantined(snap.State), Duplicates: want.Duplicates, Arrived: want.Arrived, Dropped: want.Dropped}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("the model of what is kept (-) and the stores (+) differ:\n%s", diff)
	}
	acknowledged, err := ledger.Acknowledged(w.t.Context(), w.table, owner, w.dataset.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	sum, _ := ledger.Balance(acknowledged, snap.Ledger())
	expected := ledger.Row{Accepted: int64(want.Arrived), Counts: ledger.Counts{
		Stored: int64(stored), Duplicate: int64(copies), Quarantined: int64(len(want.Quarantined)), Dropped: int64(want.Dropped)}}
	if diff := cmp.Diff(expected, sum); diff != "" {
		w.t.Errorf("the ledger is wrong: %s", diff)
	}
	if l := snap.Ledger(); l.Erased != int64(erased) || l.Expired != int64(erased) || snap.Visible() != int64(stored-erased) {
		w.t.Errorf("%d erased, %d expired and %d visible; want %d of %d to be gone", l.Erased, l.Expired, snap.Visible(), erased, stored)
	}
	w.checkFiles()
}

// checkFiles holds that no file says anything of what has expired.
func (w *keeping) checkFiles() {
	st := w.state()
	named := map[string]bool{}
	horizon := w.dataset.Settings.Horizon(w.now.UnixMicro())
	day := (24 * time.Hour).Microseconds()
	for _, ref := range st.Segments {
		named[ref.Key] = true
		oldest := ref.MinReceived
		switch ref.Kind {
		case segment.Rows:
			oldest = ref.MinTime
		case segment.Quarantine:
			oldest = ref.MaxReceived + day // it goes a day later, as a whole
		}
		if oldest < horizon {
			w.t.Errorf("%s has what expired on %v", ref.Key, time.UnixMicro(oldest).UTC())
		}
	}
	for _, kind := range segment.Kinds {
		page, err := w.blobs.List(w.t.Context(), segment.Prefix(owner, w.dataset.ID)+string(kind)+"/", "", 0)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, b := range page.Blobs {
			next := st.Through[compact.Shard].Next() // of a merge that broke off: the next one will use that name
			if !named[b.Key] && !strings.Contains(b.Key, fmt.Sprintf("/%s-%s-", compact.Shard, next)) {
				w.t.Errorf("%s is nobody's, and there", b.Key)
			}
		}
	}
}

func TestEverySchedulesRowsExpireAndNoOthers(t *testing.T) {
	t.Parallel()
	schedules := 200
	if testing.Short() {
		schedules = 50
	}
	var total [misfortunes]int
	var expired retention.Report
	for seed := range uint64(schedules) { // #nosec G115 -- a few
		w := newKeeping(t, seed)
		for range 50 {
			w.step()
		}
		w.tomorrow()
		if w.checkKept(); t.Failed() {
			t.Fatalf("schedule %d; misfortunes: %v", seed, w.happened)
		}
		for what, n := range w.happened {
			total[what] += n
		}
		expired = expired.Plus(w.expired)
	}
	for what := refuse; what < misfortunes; what++ {
		if total[what] < schedules/25 {
			t.Errorf("misfortune %d happened %d times in all schedules: too rarely to prove anything", what, total[what])
		}
	}
	if expired.Rows < int64(10*schedules) || expired.Segments < 5*schedules {
		t.Errorf("%+v in all schedules: too little to prove anything", expired)
	}
	t.Logf("%+v; misfortunes by kind: %v", expired, total)
}

// keptFor has events of nine days, some of them merged.
func keptFor(t *testing.T) *keeping {
	w := newKeeping(t, 11)
	for n := range 9 {
		w.sends()
		w.settle()
		if n%3 == 2 {
			if err := w.merge(); err != nil {
				t.Fatal(err)
			}
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	return w
}

func TestARemovalBrokenOffAtAnyCallIsEndedByTheNext(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]misfortune{"refused": refuse, "throttled": throttle, "answer lost": lose, "killed before": dieBefore, "killed after": dieAfter, "overtaken": detour} {
		t.Run(name, func(t *testing.T) {
			for call := 0; ; call++ {
				w := keptFor(t)
				w.plan(call, what)
				survives(func() { _ = w.expire() })
				if w.happened[what] == 0 {
					if call < 12 {
						t.Errorf("a removal of %d calls proves little", call)
					}
					return // it ended before that call
				}
				w.off()
				if w.checkKept(); t.Failed() {
					t.Fatalf("after call %d", call)
				}
			}
		})
	}
}

func TestAnEventThatIsTooOldAsItArrivesIsToldToBeDroppedForAsLongAsEventsAreKept(t *testing.T) {
	t.Parallel()
	w := newKeeping(t, 1)
	arrived := w.now.Truncate(24 * time.Hour)
	w.send([]events.Event{{ID: "late", Name: "seen", Time: arrived.AddDate(0, 0, -keptDays-1).UnixMicro()}, {ID: "just", Name: "seen", Time: arrived.AddDate(0, 0, -keptDays).UnixMicro()}})
	w.settle()
	find := func(id string) (string, error) {
		finder := fate.Finder{Segments: segment.NewCache(w.blobs, 1<<20), Stream: w.stream, Suppressions: suppression.Store{Table: w.table}}
		f, err := finder.Find(t.Context(), owner, snapshot.OfState(w.dataset, w.state()), id, time.Time{})
		return f.Fate, err
	}
	told := func(after time.Duration, late, just string) {
		t.Helper()
		w.now = arrived.Add(after)
		w.complete()
		for id, want := range map[string]string{"late": late, "just": just} {
			got, err := find(id)
			if want == "" && !fault.Is(err, fault.NotFound) || want != "" && (err != nil || got != want) {
				t.Errorf("after %v %s is %q, %v; want %q", after, id, got, err, want)
			}
		}
	}
	told(0, fate.Dropped, fate.Stored)
	told(24*time.Hour, fate.Dropped, "")
	told(keptDays*24*time.Hour, fate.Dropped, "")
	told((keptDays+1)*24*time.Hour, "", "")
}
