package quarantine_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/tests/fake"
)

// kept makes a snapshot with three events in each of two segments and in the tail.
func kept(t *testing.T) (snapshot.Snapshot, *segment.Cache) {
	blobs := &fake.Blobs{}
	var snap snapshot.Snapshot
	n := 0
	three := func() (rows []segment.QuarantineRow) {
		for range 3 {
			n++
			rows = append(rows, segment.QuarantineRow{EventID: fmt.Sprint("e", n), Received: int64(n), Code: "no_event_name", Raw: []byte(`{"a":1}`)})
		}
		return rows
	}
	for range 2 {
		ref, err := segment.WriteQuarantine(t.Context(), blobs, segment.Origin{Tenant: "main", Dataset: "d1", Shard: "s", From: "1", Through: "2"}, three())
		if err != nil {
			t.Fatal(err)
		}
		snap.State = manifest.State{Segments: append(snap.State.Segments, ref)}
	}
	snap.Unsealed.Quarantined = three()
	return snap, segment.NewCache(blobs, 1<<20)
}

func TestPagesOfAnySizeListEverythingOnceNewestFirst(t *testing.T) {
	snap, cache := kept(t)
	want := []string{"e9", "e8", "e7", "e6", "e5", "e4", "e3", "e2", "e1"}
	for limit := 1; limit <= 10; limit++ {
		var got []string
		for next := ""; ; {
			page, err := quarantine.List(t.Context(), snap, cache, next, limit)
			if err != nil {
				t.Fatal(err)
			}
			if page.Total != 9 || len(page.Events) > limit {
				t.Errorf("total %d, %d events on a page of %d", page.Total, len(page.Events), limit)
			}
			for _, e := range page.Events {
				got = append(got, e.EventID)
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d: %s", limit, diff)
		}
	}
}

func TestAPageThatFollowsWhatWasReplayedSaysSo(t *testing.T) {
	snap, cache := kept(t)
	page, err := quarantine.List(t.Context(), snap, cache, "", 5)
	if err != nil {
		t.Fatal(err)
	}
	snap.State.Segments = snap.State.Segments[:1]
	if _, err := quarantine.List(t.Context(), snap, cache, page.Next, 5); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want Conflict", err)
	}
}

func TestWhatIsNoPageIsRefused(t *testing.T) {
	snap, cache := kept(t)
	for _, next := range []string{"x", "x:", "x:-1", ":"} {
		if _, err := quarantine.List(t.Context(), snap, cache, next, 5); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want Invalid", next, err)
		}
	}
}
