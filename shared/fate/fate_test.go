package fate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tail"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// world is two datasets and the way of an event into them, all in memory.
type world struct {
	*testing.T
	finder   Finder
	stream   *fake.Stream
	live     *tail.Live
	producer *ingest.Producer
	ids      map[dataset.Name]dataset.ID
	now      time.Time
	folded   map[stream.ShardID]stream.Sequence
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, stream: fake.NewStream(2), now: noon, ids: map[dataset.Name]dataset.ID{}, folded: map[stream.ShardID]stream.Sequence{}}
	clock := func() time.Time { return w.now }
	tbl, blobs := &fake.Table{Now: clock}, &fake.Blobs{Now: clock}
	catalog, cache := dataset.Catalog{Table: tbl, Now: clock}, segment.NewCache(blobs, 1<<20)
	w.live = &tail.Live{Catalog: catalog, Manifest: manifest.Store{Table: tbl, Blobs: blobs, Now: clock}, Segments: cache, Blobs: blobs, Now: clock}
	w.producer = ingest.NewProducer(ingest.Options{ID: 1, Stream: w.stream, Buckets: 4, Now: clock})
	w.finder = Finder{Segments: cache, Stream: w.stream}
	for _, name := range []dataset.Name{"web", "shop"} {
		d, err := catalog.Create(t.Context(), "acme", dataset.Spec{Name: name, Kind: dataset.Events})
		if err != nil {
			t.Fatal(err)
		}
		w.ids[name] = d.ID
	}
	return w
}

// send puts an event on the stream: one that can be stored if it has no reason.
func (w *world) send(into dataset.Name, id string, at time.Time, reason string) {
	w.Helper()
	e := events.Event{ID: id, Name: "x", Time: at.UnixMicro()}
	if reason != "" {
		e.Refused, e.Raw = events.Refusal{Code: "no_event_name", Reason: reason}, []byte("{}")
	}
	if _, err := w.producer.Put(w.Context(), ingest.Batch{Tenant: "acme", Dataset: w.ids[into], Arrived: w.now.UnixMicro(), Events: []events.Event{e}}); err != nil {
		w.Fatal(err)
	}
}

// fold takes in what is on the stream, and seals it if it shall.
func (w *world) fold(seal bool) {
	w.Helper()
	shards, _ := w.stream.Shards(w.Context())
	for _, shard := range shards {
		records, _, _ := w.stream.Read(w.Context(), shard.ID, w.folded[shard.ID], 1000, 0)
		if _, err := w.live.Fold(w.Context(), shard, records); err != nil {
			w.Fatal(err)
		}
		if len(records) > 0 {
			w.folded[shard.ID] = records[len(records)-1].Sequence
		}
		if !seal {
			continue
		}
		if _, err := w.live.SealNow(w.Context(), shard.ID); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *world) find(in dataset.Name, id string, hint time.Time) (Fate, error) {
	w.Helper()
	snap, err := w.live.Open(w.Context(), "acme", in, nil)
	if err != nil {
		w.Fatal(err)
	}
	defer snap.Release()
	return w.finder.Find(w.Context(), "main", snap, id, hint)
}

// is checks a fate, but for the name of the segment.
func (w *world) is(want Fate) Fate {
	w.Helper()
	got, err := w.find("web", want.EventID, time.Time{})
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Fate{}, "Segment")); err != nil || diff != "" {
		w.Errorf("%v %s", err, diff)
	}
	return got
}

func TestAnEventIsFollowedAllTheWay(t *testing.T) {
	w := newWorld(t)
	at := noon.Add(-time.Hour)
	if _, err := w.find("web", "e1", time.Time{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("before it was sent: %v", err)
	}
	w.send("web", "e1", at, "")
	w.is(Fate{EventID: "e1", Fate: Pending})
	w.fold(false)
	if f := w.is(Fate{EventID: "e1", Fate: Stored, Time: at, Received: noon}); f.Segment != "" {
		t.Errorf("a row in memory is in segment %q", f.Segment)
	}
	w.now = noon.Add(time.Minute)
	w.send("web", "e1", at, "")
	w.fold(false)
	w.is(Fate{EventID: "e1", Fate: Stored, Time: at, Received: noon, Duplicates: 1})
	w.fold(true)
	if f := w.is(Fate{EventID: "e1", Fate: Stored, Time: at, Received: noon, Duplicates: 1}); !strings.Contains(f.Segment, string(w.ids["web"])) {
		t.Errorf("a sealed row is in segment %q", f.Segment)
	}
	w.send("web", "e1", at, "")
	w.fold(true)
	w.send("web", "e1", at, "")
	w.fold(false)
	w.is(Fate{EventID: "e1", Fate: Stored, Time: at, Received: noon, Duplicates: 3}) // in two segments and in memory
}

func TestTheLastReasonIsTold(t *testing.T) {
	w := newWorld(t)
	for i, seal := range []bool{true, false, true} {
		reason := "reason " + string(rune('a'+i))
		w.now = noon.Add(time.Duration(i) * time.Minute)
		w.send("web", "e1", noon, reason)
		w.fold(seal)
		w.is(Fate{EventID: "e1", Fate: Quarantined, Code: "no_event_name", Reason: reason, Received: w.now})
	}
	w.send("web", "e1", noon, "")
	w.fold(false)
	w.is(Fate{EventID: "e1", Fate: Stored, Time: noon, Received: w.now}) // mended in the end
}

func TestAHintNarrowsTheSearchToADay(t *testing.T) {
	w := newWorld(t)
	w.send("web", "e1", noon, "")
	w.fold(true)
	for hint, found := range map[time.Time]bool{{}: true, noon: true, noon.Add(-11 * time.Hour): true, noon.AddDate(0, 0, 1): false} {
		f, err := w.find("web", "e1", hint)
		if found != (f.Fate == Stored) || !found && !fault.Is(err, fault.NotFound) {
			t.Errorf("with the hint %v: %+v, %v", hint, f, err)
		}
	}
}

func TestAnIDIsThatOfItsDatasetAlone(t *testing.T) {
	w := newWorld(t)
	w.send("shop", "e1", noon, "")
	if f, err := w.find("web", "e1", time.Time{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("another dataset's event on its way is %+v, %v", f, err)
	}
	w.fold(true)
	if f, err := w.find("web", "e1", time.Time{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("another dataset's event is %+v, %v", f, err)
	}
}

func TestWhatIsNoIDIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"", strings.Repeat("x", events.MaxID+1)} {
		if _, err := w.find("web", id, time.Time{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.10q: %v", id, err)
		}
	}
	if _, err := w.find("web", strings.Repeat("x", events.MaxID), time.Time{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("the longest id there can be: %v", err)
	}
}

// away is a stream that must not be asked.
type away struct{ stream.Stream }

func TestWhatCannotBeLookedUpIsNotCalledUnseen(t *testing.T) {
	w := newWorld(t)
	w.finder.Stream = away{}
	w.send("web", "e1", noon, "")
	w.fold(true)
	w.is(Fate{EventID: "e1", Fate: Stored, Time: noon, Received: noon}) // needs no stream
	broken := segment.NewCache(&fake.Blobs{}, 0)
	w.finder.Segments = broken
	if _, err := w.find("web", "e1", time.Time{}); err == nil {
		t.Error("a segment that is gone is taken for one without the event")
	}
}
