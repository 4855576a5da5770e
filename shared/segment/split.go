package segment

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// Split parts a batch's rows by the UTC day of their event time, the days in order.
// Days with fewer than least rows share one last group, so that late rows scattered
// over many days do not make a file each, and so do the days with the fewest rows beyond
// most: a commit is bounded. Within a group rows keep their order.
func Split(batch rows.Batch, least, most int) [][]int32 {
	days := ByDay(batch)
	own := slices.SortedFunc(maps.Keys(days), func(a, b Day) int {
		return cmp.Or(cmp.Compare(len(days[b]), len(days[a])), cmp.Compare(a, b))
	})
	own = own[:min(most, len(own))]
	own = slices.DeleteFunc(own, func(day Day) bool { return len(days[day]) < least })
	slices.Sort(own)
	var groups [][]int32
	for _, day := range own {
		groups = append(groups, days[day])
		delete(days, day)
	}
	if len(days) > 0 {
		mixed := slices.Concat(slices.Collect(maps.Values(days))...)
		slices.Sort(mixed)
		groups = append(groups, mixed)
	}
	return groups
}

// ByDay lists the rows of each UTC day of a batch's event times.
func ByDay(batch rows.Batch) map[Day][]int32 {
	days := map[Day][]int32{}
	times := find(batch, dataset.ColumnTime).Ints[:batch.Len]
	for from := 0; from < len(times); {
		day, to := DayOf(times[from]), from+1
		for to < len(times) && DayOf(times[to]) == day {
			to++
		}
		days[day] = appendRange(days[day], from, to)
		from = to
	}
	return days
}

// appendRange appends the numbers from from to before to.
func appendRange(rows []int32, from, to int) []int32 {
	rows = slices.Grow(rows, to-from)
	for row := from; row < to; row++ {
		rows = append(rows, int32(row)) // #nosec G115 -- a row of a batch, which is bounded
	}
	return rows
}

func find(batch rows.Batch, name string) *rows.Column {
	for i := range batch.Columns {
		if batch.Columns[i].Name == name {
			return &batch.Columns[i]
		}
	}
	return &rows.Column{}
}
