package compact

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
)

// Policy says which segments are worth merging. A row is rewritten only into a
// segment of a higher level, a level being a power of the fan-in, so that n rows are
// written O(n log n) times in all, and a day has O(log n) segments beside full ones.
type Policy struct {
	Files int           // segments that one merge reads at most
	FanIn int           // segments of a level that are merged while more arrive
	Rows  int64         // rows that one merge reads at most, and so the largest segment
	Bytes int64         // of files that one merge reads at most: memory is a few times that
	Own   int           // rows that a day needs to get a segment of its own out of mixed ones
	Quiet time.Duration // once nothing has arrived for so long, two of a level are merged, and each is sorted
}

// DefaultPolicy bounds a merge to about 600 MiB of memory.
var DefaultPolicy = Policy{Files: 60, FanIn: 8, Rows: 1 << 19, Bytes: 48 << 20, Own: 1000, Quiet: time.Hour}

// settled is the fan-in of a group that has become quiet.
const settled = 2

// job is segments that one merge replaces: all of one kind, rows of a table or, of events,
// either all of one day or all of segments that hold several.
type job struct {
	kind  segment.Kind
	table bool
	mixed bool
	refs  []segment.Ref
}

// group says which segments may be merged with which.
type group struct {
	kind  segment.Kind
	table bool
	mixed bool
	day   segment.Day
}

// groupOf returns the group of a segment, and false for one that is never merged: one in
// quarantine, whose name tells a replay that broke off where to go on.
func groupOf(ref segment.Ref) (g group, ok bool) {
	switch {
	case ref.Kind == segment.Quarantine:
		return group{}, false
	case ref.Table:
		return group{kind: ref.Kind, table: true}, true
	case ref.Kind == segment.Duplicates || ref.Kind.IsMark():
		return group{kind: ref.Kind}, true
	case len(ref.Days) == 1:
		return group{kind: ref.Kind, day: ref.Days[0]}, true
	default:
		return group{kind: ref.Kind, mixed: true}, true
	}
}

// pick returns the merge that does away with most segments.
func (p Policy) pick(st manifest.State, now time.Time) (best job, ok bool) {
	groups, order := map[group][]segment.Ref{}, []group{}
	for _, ref := range st.Segments {
		g, ok := groupOf(ref)
		if !ok || p.full(ref) {
			continue
		}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], ref)
	}
	for _, g := range order {
		if refs := p.worth(groups[g], now); len(refs) > len(best.refs) {
			best = job{kind: g.kind, table: g.table, mixed: g.mixed, refs: refs}
		}
	}
	if len(best.refs) > 0 {
		return best, true
	}
	return p.lone(st, now)
}

// lone returns a segment that waited in vain for others: it is rewritten alone, once,
// for only what WriteMerged made is sorted and can be published. A table's rows are not.
func (p Policy) lone(st manifest.State, now time.Time) (job, bool) {
	for _, ref := range st.Segments {
		if g, ok := groupOf(ref); ok && ref.Kind == segment.Rows && !ref.Table && !ref.Merged && p.quiet([]segment.Ref{ref}, now) {
			return job{kind: g.kind, mixed: g.mixed, refs: []segment.Ref{ref}}, true
		}
	}
	return job{}, false
}

// full reports whether a segment is so large that another as large would not fit in
// the same merge.
func (p Policy) full(ref segment.Ref) bool { return ref.Rows > p.Rows/2 || ref.Bytes > p.Bytes/2 }

// worth returns those of a group's segments to merge now: the smallest ones up to a
// level that holds enough, as many as one merge may read. Nil: none.
func (p Policy) worth(refs []segment.Ref, now time.Time) []segment.Ref {
	fanIn := p.FanIn
	if p.quiet(refs, now) {
		fanIn = settled
	}
	sorted := slices.SortedStableFunc(slices.Values(refs), func(a, b segment.Ref) int { return cmp.Compare(a.Rows, b.Rows) })
	end := 0
	for i := 0; i < len(sorted); {
		j := i
		for j < len(sorted) && level(sorted[j].Rows, fanIn) == level(sorted[i].Rows, fanIn) {
			j++
		}
		if j-i >= fanIn {
			end = j
		}
		i = j
	}
	return p.fit(sorted[:end])
}

// fit returns the first of refs that one merge may read.
func (p Policy) fit(refs []segment.Ref) []segment.Ref {
	var rows, bytes int64
	for i, ref := range refs {
		rows, bytes = rows+ref.Rows, bytes+ref.Bytes
		if i == p.Files || rows > p.Rows || bytes > p.Bytes {
			return refs[:i]
		}
	}
	return refs
}

// quiet reports whether nothing has arrived in a group lately.
func (p Policy) quiet(refs []segment.Ref, now time.Time) bool {
	return !slices.ContainsFunc(refs, func(r segment.Ref) bool { return now.Sub(time.UnixMicro(r.MaxReceived)) < p.Quiet })
}

// level is how often n can be divided by the fan-in.
func level(n int64, fanIn int) int {
	if fanIn == settled {
		return bits.Len64(uint64(n)) // #nosec G115 -- a number of rows
	}
	l := 0
	for ; n >= int64(fanIn); n /= int64(fanIn) {
		l++
	}
	return l
}
