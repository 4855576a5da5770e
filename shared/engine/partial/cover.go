package partial

import (
	"slices"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
)

// parted parts segments into those within a range and those at its edges.
func parted(refs []segment.Ref, r query.Range) (within, edge []segment.Ref, pruned int) {
	for _, ref := range refs {
		switch {
		case inside(ref, r):
			within = append(within, ref)
		case meets(ref, r):
			edge = append(edge, ref)
		default:
			pruned++
		}
	}
	return within, edge, pruned
}

// cover returns the units that together lie in some segments, each of which is in one
// of them at most; the others whose segments are all live, which can serve another
// question; and the segments that no unit covers.
func cover[T any](units []unit[T], within, live []segment.Ref) (hold, idle []unit[T], missing []segment.Ref) {
	left, alive := keysIn(within), keysIn(live)
	bySize := slices.Clone(units)
	slices.SortStableFunc(bySize, func(a, b unit[T]) int { return len(b.segments) - len(a.segments) })
	for _, u := range bySize {
		switch {
		case left.hasAll(u.segments):
			hold = append(hold, u)
			for _, key := range u.segments {
				delete(left, key)
			}
		case alive.hasAll(u.segments):
			idle = append(idle, u)
		}
	}
	for _, ref := range within {
		if left[ref.Key] {
			missing = append(missing, ref)
		}
	}
	return hold, idle, missing
}

// keys are of segments.
type keys map[string]bool

func keysIn(refs []segment.Ref) keys {
	all := make(keys, len(refs))
	for _, ref := range refs {
		all[ref.Key] = true
	}
	return all
}

func (k keys) hasAll(some []string) bool {
	return !slices.ContainsFunc(some, func(key string) bool { return !k[key] })
}

func newest(refs []segment.Ref) segment.Day {
	day := segment.Day(-1 << 31)
	for _, ref := range refs {
		day = max(day, lastDay(ref))
	}
	return day
}

func lastDay(ref segment.Ref) segment.Day { return segment.DayOf(ref.MaxTime) }

// batches groups segments that a unit is made of: those of each recent day, the newest
// first, which tells soonest that there is too much to keep, and all others.
func batches(refs []segment.Ref, newest segment.Day) [][]segment.Ref {
	byDay := map[segment.Day][]segment.Ref{}
	for _, ref := range refs {
		day := max(lastDay(ref), newest-recentDays)
		byDay[day] = append(byDay[day], ref)
	}
	var out [][]segment.Ref
	for day := newest; day >= newest-recentDays; day-- {
		if some := byDay[day]; len(some) > 0 {
			out = append(out, some)
		}
	}
	return out
}

func sortedKeys(refs []segment.Ref) []string {
	all := make([]string, len(refs))
	for i, ref := range refs {
		all[i] = ref.Key
	}
	slices.Sort(all)
	return all
}
