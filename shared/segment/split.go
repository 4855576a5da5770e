package segment

import (
	"maps"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// Split parts a batch's rows by the UTC day of their event time, the days in order.
// Days with fewer than least rows share one last group, so that late rows scattered
// over many days do not make a file each. Within a group rows keep their order.
func Split(batch rows.Batch, least int) [][]int32 {
	days := ByDay(batch)
	var groups [][]int32
	var mixed []int32
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if len(days[day]) < least {
			mixed = append(mixed, days[day]...)
			continue
		}
		groups = append(groups, days[day])
	}
	if len(mixed) > 0 {
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
