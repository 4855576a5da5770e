package trail

import (
	"slices"

	"github.com/tarnhq/tarn/shared/query/calendar"
)

// buckets finds the buckets of instants. It remembers a stretch of them, which grows to
// where instants are: to ask the calendar costs a hundred times more.
type buckets struct {
	calendar.Buckets
	known []bucket // without a gap, ascending
	width int64    // of one, on average
}

// bucket is the instants of [from, to), and its key.
type bucket struct{ from, to, key int64 }

const (
	maxKnown  = 1 << 16
	maxStride = 1 << 10 // that the stretch grows by at once
)

func (b *buckets) find(at int64) bucket {
	if n := len(b.known); n > 0 && b.known[0].from <= at && at < b.known[n-1].to {
		return b.recall(at)
	}
	return b.learn(at)
}

// recall finds an instant in the stretch: near where it would be if all buckets were
// of one length.
func (b *buckets) recall(at int64) bucket {
	i := min(int((at-b.known[0].from)/b.width), len(b.known)-1)
	for at < b.known[i].from {
		i--
	}
	for at >= b.known[i].to {
		i++
	}
	return b.known[i]
}

// learn has the stretch grow to an instant, if that is not far away.
func (b *buckets) learn(at int64) bucket {
	found := b.of(at)
	if len(b.known) == 0 {
		b.known, b.width = append(b.known, found), found.to-found.from
		return found
	}
	if len(b.known) >= maxKnown {
		return found
	}
	for i := 0; i < maxStride && at >= b.known[len(b.known)-1].to; i++ {
		b.known = append(b.known, b.of(b.known[len(b.known)-1].to))
	}
	var before []bucket
	for from := b.known[0].from; len(before) < maxStride && at < from; from = before[len(before)-1].from {
		before = append(before, b.of(from-1))
	}
	slices.Reverse(before)
	b.known = append(before, b.known...)
	b.width = max(1, (b.known[len(b.known)-1].to-b.known[0].from)/int64(len(b.known)))
	return found
}

func (b *buckets) of(at int64) bucket {
	key := b.Key(at)
	from := b.Start(key)
	return bucket{from, b.Next(from), key}
}
