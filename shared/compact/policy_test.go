package compact

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
)

var noon = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)

func refOf(name string, rows int64, received time.Time, days ...segment.Day) segment.Ref {
	return segment.Ref{Key: name, Kind: segment.Rows, Rows: rows, Bytes: 40 * rows, Days: days, MaxReceived: received.UnixMicro()}
}

// simulation feeds a policy segments and replaces what it picks by one.
type simulation struct {
	policy  Policy
	state   manifest.State
	written int64 // rows, by merges
}

func (s *simulation) settle(now time.Time) {
	for {
		j, ok := s.policy.pick(s.state, now)
		if !ok {
			return
		}
		removed := keys(j.refs)
		s.state.Segments = slices.DeleteFunc(s.state.Segments, func(r segment.Ref) bool { return slices.Contains(removed, r.Key) })
		n := rowsOf(j.refs)
		s.written += n
		latest := slices.MaxFunc(j.refs, func(a, b segment.Ref) int { return int(a.MaxReceived - b.MaxReceived) })
		merged := refOf(fmt.Sprint("merged", s.written), n, time.UnixMicro(latest.MaxReceived), j.refs[0].Days...)
		merged.Merged = true
		s.state.Segments = append(s.state.Segments, merged)
	}
}

func TestRowsAreRewrittenLogarithmicallyOftenAndFewSegmentsAreLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := simulation{policy: DefaultPolicy}
		s.policy.FanIn = rapid.IntRange(3, 10).Draw(t, "fan-in")
		most := rapid.SampledFrom([]int64{1, 50, 5000, 600_000}).Draw(t, "rows of the largest")
		var rows int64
		for i := range rapid.IntRange(1, 600).Draw(t, "segments") {
			n := rapid.Int64Range(1, most).Draw(t, "rows")
			rows += n
			s.state.Segments = append(s.state.Segments, refOf(fmt.Sprint(i), n, noon, 7))
			if i%rapid.IntRange(1, 40).Draw(t, "pause") == 0 {
				s.settle(noon)
			}
		}
		s.settle(noon)
		levels := math.Log(float64(rows))/math.Log(float64(s.policy.FanIn)) + 1
		small := slices.DeleteFunc(slices.Clone(s.state.Segments), s.policy.full)
		if limit := levels * float64(s.policy.FanIn); float64(len(small)) > limit {
			t.Errorf("%d segments are left of %d rows, want at most %.0f", len(small), rows, limit)
		}
		if limit := float64(rows) * levels; float64(s.written) > limit {
			t.Errorf("%d rows were written %d times in all", rows, s.written)
		}
		s.settle(noon.Add(s.policy.Quiet))
		small = slices.DeleteFunc(slices.Clone(s.state.Segments), s.policy.full)
		if limit := math.Log2(float64(rows)) + 1; float64(len(small)) > limit {
			t.Errorf("once it is quiet %d segments are left of %d rows, want at most %.0f", len(small), rows, limit)
		}
		for _, ref := range s.state.Segments {
			if !ref.Merged {
				t.Errorf("%s is neither merged nor sorted once it is quiet", ref.Key)
			}
		}
	})
}

func TestWhatIsPickedFitsOneMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var st manifest.State
		for i := range rapid.IntRange(0, 200).Draw(t, "segments") {
			rows := rapid.SampledFrom([]int64{1, 1000, 1 << 17, 1 << 18, 1 << 19, 1 << 22}).Draw(t, "rows")
			st.Segments = append(st.Segments, refOf(fmt.Sprint(i), rows, noon, 7))
		}
		j, ok := DefaultPolicy.pick(st, noon.Add(2*time.Hour))
		if !ok {
			return
		}
		var bytes int64
		for _, ref := range j.refs {
			bytes += ref.Bytes
		}
		alone := len(j.refs) == 1 && !j.refs[0].Merged
		if len(j.refs) < 1 || !alone && len(j.refs) < 2 || len(j.refs) > DefaultPolicy.Files || !alone && (rowsOf(j.refs) > DefaultPolicy.Rows || bytes > DefaultPolicy.Bytes) {
			t.Errorf("%d segments of %d rows and %d bytes", len(j.refs), rowsOf(j.refs), bytes)
		}
	})
}

func TestOnlyWhatBelongsTogetherIsMerged(t *testing.T) {
	var st manifest.State
	for i := range 20 {
		add := func(kind segment.Kind, table bool, days ...segment.Day) {
			ref := refOf(fmt.Sprint(kind, table, days, i), 10, noon, days...)
			ref.Kind, ref.Table = kind, table
			st.Segments = append(st.Segments, ref)
		}
		add(segment.Rows, false, 7)
		add(segment.Rows, false, 8)
		add(segment.Rows, false, 8, 9)
		add(segment.Rows, true, 7)
		add(segment.Duplicates, false, 7, 8)
		add(segment.Quarantine, false)
	}
	groups := map[string]int{}
	for {
		j, ok := DefaultPolicy.pick(st, noon)
		if !ok {
			break
		}
		groups[fmt.Sprint(j.kind, j.table, j.mixed, j.refs[0].Days)]++
		for _, ref := range j.refs {
			if ref.Table != j.table || ref.Kind != j.kind || (len(ref.Days) > 1) != j.mixed && j.kind == segment.Rows || !j.mixed && !slices.Equal(ref.Days, j.refs[0].Days) {
				t.Errorf("%s is merged with %s", ref.Key, j.refs[0].Key)
			}
		}
		removed := keys(j.refs)
		st.Segments = slices.DeleteFunc(st.Segments, func(r segment.Ref) bool { return slices.Contains(removed, r.Key) })
	}
	if len(groups) != 5 || len(st.Segments) != 20 {
		t.Errorf("merges of %v; %d segments were left alone, want the 20 in quarantine", groups, len(st.Segments))
	}
}
