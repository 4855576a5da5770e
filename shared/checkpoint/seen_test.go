package checkpoint

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
)

func TestSeenIsASetOfPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Seen
		want := map[Lane]map[uint64]bool{}
		for range rapid.IntRange(0, 30).Draw(t, "adds") {
			l := Lane{Producer: 1, Bucket: uint16(rapid.IntRange(0, 1).Draw(t, "bucket"))}
			from := rapid.Uint64Range(0, 60).Draw(t, "from")
			n := rapid.Uint64Range(0, 8).Draw(t, "n")
			s.Add(l, from, from+n, 1)
			for p := from; p < from+n; p++ {
				if want[l] == nil {
					want[l] = map[uint64]bool{}
				}
				want[l][p] = true
			}
		}
		stored := seenOf(s.list())
		clone := s.Clone()
		for bucket := range uint16(3) {
			l := Lane{Producer: 1, Bucket: bucket}
			for p := range uint64(80) {
				for name, set := range map[string]*Seen{"working": &s, "stored": &stored, "clone": &clone} {
					if got := set.Has(l, p); got != want[l][p] {
						t.Fatalf("%s: bucket %d position %d: %v, want %v", name, bucket, p, got, want[l][p])
					}
				}
			}
		}
	})
}

func TestAChangedCloneLeavesTheOriginalAlone(t *testing.T) {
	var s Seen
	l := Lane{Producer: 1}
	s.Add(l, 0, 5, 1)
	s.Add(l, 8, 9, 1)
	c := s.Clone()
	c.Add(l, 5, 8, 2)
	if s.Has(l, 6) || !c.Has(l, 6) {
		t.Error("the clone and the original share positions")
	}
}

func TestSilentProducersAreForgotten(t *testing.T) {
	var s Seen
	s.Add(Lane{Producer: 1}, 0, 5, 0)
	s.Add(Lane{Producer: 2}, 0, 5, forgetting+1)
	s = seenOf(s.list())
	s.Forget(func(events.Producer) bool { return true })
	if s.Has(Lane{Producer: 1}, 0) || !s.Has(Lane{Producer: 2}, 0) {
		t.Error("want the silent one forgotten, the other kept")
	}
}

func TestAReplayIsRememberedForADayAndForAsLongAsItMayBeRepeated(t *testing.T) {
	const folded = 5 * forgetting
	const released, kept = 1, 2 // replays
	for _, c := range []struct {
		claim          string
		arrived        int64 // something else, afterwards
		released, kept bool  // remembered
	}{
		{"of old events, in a stream that was silent since", folded, true, true},
		{"a day later", folded + forgetting, true, true},
		{"more than a day later", folded + forgetting + 1, false, true},
	} {
		var s Seen
		s.Add(Lane{Producer: 9}, 0, 5, 1)
		s.AddReplay(Lane{Producer: released}, 0, 5, folded)
		s.AddReplay(Lane{Producer: kept}, 0, 5, folded)
		s = seenOf(s.list())
		s.Add(Lane{Producer: 9}, 5, 6, c.arrived)
		s.Forget(func(p events.Producer) bool { return p == kept })
		if s.Has(Lane{Producer: released}, 0) != c.released || s.Has(Lane{Producer: kept}, 0) != c.kept {
			t.Errorf("%s: not as it should be", c.claim)
		}
	}
}

func TestAReplayEndsNoOtherProducersMemory(t *testing.T) {
	var s Seen
	s.Add(Lane{Producer: 1}, 0, 5, 1)
	s.AddReplay(Lane{Producer: 2}, 0, 5, 9*forgetting)
	s = seenOf(s.list())
	s.Forget(func(events.Producer) bool { return false })
	if !s.Has(Lane{Producer: 1}, 0) {
		t.Error("a producer was forgotten though nothing has arrived since")
	}
}

func TestManyGapsCloseFromTheLowest(t *testing.T) {
	var s Seen
	l := Lane{Producer: 1}
	for p := range uint64(maxGaps + 10) {
		s.Add(l, 2*p, 2*p+1, 1)
	}
	if got := len(s.lanes[l].spans); got != maxGaps {
		t.Errorf("%d spans, want %d", got, maxGaps)
	}
	if !s.Has(l, 1) || s.Has(l, 2*maxGaps+1) {
		t.Error("want the lowest gaps closed, the highest open")
	}
}

func TestAChildInheritsWhatItsParentsHaveSeen(t *testing.T) {
	var a, b Seen
	a.Add(Lane{Producer: 1, Bucket: 0}, 0, 3, 1)
	b.Add(Lane{Producer: 1, Bucket: 1}, 4, 6, 2)
	var child Seen
	child.Merge(a)
	child.Merge(b)
	if !child.Has(Lane{Producer: 1, Bucket: 0}, 2) || !child.Has(Lane{Producer: 1, Bucket: 1}, 5) || child.Has(Lane{Producer: 1, Bucket: 1}, 2) {
		t.Error("want exactly the parents' positions")
	}
}
