package duck

import (
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// bounds is the first and last event time of some rows; the zero value is of none.
type bounds struct {
	min, max int64
	some     bool
}

func (b *bounds) add(first, last int64) {
	if !b.some {
		*b = bounds{first, last, true}
		return
	}
	b.min, b.max = min(b.min, first), max(b.max, last)
}

// clip keeps what lies in a range. Of no rows it makes an instant of the range, or
// any: nothing will be placed.
func (b bounds) clip(r query.Range) (from, to int64) {
	from, to = b.min, b.max
	if r.From != calendar.MinMicros {
		from = max(from, r.From)
	}
	if r.To != calendar.MaxMicros {
		to = min(to, r.To-1)
	}
	return from, max(from, to)
}
