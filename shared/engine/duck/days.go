package duck

import (
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// daysOf lists the UTC days of the event times of all sources, ascending.
func daysOf(s selection, tail []part) []segment.Day {
	var lists [][]segment.Day
	for _, ref := range s.refs {
		lists = append(lists, ref.Days)
	}
	for _, p := range tail {
		lists = append(lists, p.days)
	}
	return calendar.Union(lists...)
}
