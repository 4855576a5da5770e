// #nosec G115 -- the number of shards, which is small and positive

package eventlog

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// layout is all that is to be known of the shards at one place of the log. Each
// file begins with one, so that older files can be deleted.
type layout struct {
	Next   uint32  // the number of the next shard
	Shards []state // by number
}

// state is a shard at one place of the log.
type state struct {
	Number        uint32
	From, Through stream.Hash
	Parents       []uint32 `json:",omitempty"`
	Closed        bool     `json:",omitempty"`
	ClosedAt      uint64   `json:",omitempty"` // the last sequence of the log when it was closed
	Last          uint64   `json:",omitempty"` // the last sequence in it so far; zero: none
}

func shardID(number uint32) stream.ShardID {
	return stream.ShardID(fmt.Sprintf("shard-%06d", number))
}

// even returns n shards of equal range.
func even(n int) layout {
	s := layout{Next: uint32(n)}
	for i := range uint64(n) {
		from, _ := bits.Div64(i, 0, uint64(n)) // i * 2^64 / n
		through := uint64(math.MaxUint64)
		if i+1 < uint64(n) {
			next, _ := bits.Div64(i+1, 0, uint64(n))
			through = next - 1
		}
		s.Shards = append(s.Shards, state{Number: uint32(i), From: stream.Hash(from), Through: stream.Hash(through)})
	}
	return s
}

func (s layout) find(id stream.ShardID) (*state, error) {
	for i := range s.Shards {
		if shardID(s.Shards[i].Number) == id {
			return &s.Shards[i], nil
		}
	}
	return nil, unknown(id)
}

func unknown(id stream.ShardID) error {
	return fault.New(fault.NotFound, "shard_not_found", "there is no shard %q", id)
}

// split returns the layout after a shard was split; the upper part begins at at.
func (s layout) split(id stream.ShardID, at stream.Hash, last uint64) (layout, error) {
	next := layout{Next: s.Next, Shards: slices.Clone(s.Shards)}
	parent, err := next.find(id)
	if err != nil {
		return layout{}, err
	}
	if parent.Closed {
		return layout{}, fault.New(fault.Conflict, "shard_closed", "shard %q is closed", id)
	}
	if at <= parent.From || at > parent.Through {
		return layout{}, fault.New(fault.Invalid, "hash_outside_shard", "%x does not divide shard %q, which holds %x to %x", uint64(at), id, uint64(parent.From), uint64(parent.Through))
	}
	parent.Closed, parent.ClosedAt = true, last
	from, through, parents := parent.From, parent.Through, []uint32{parent.Number}
	next.open(from, at-1, parents)
	next.open(at, through, parents)
	return next, nil
}

// merge returns the layout after two neighbours became one.
func (s layout) merge(a, b stream.ShardID, last uint64) (layout, error) {
	next := layout{Next: s.Next, Shards: slices.Clone(s.Shards)}
	lower, err := next.find(a)
	if err != nil {
		return layout{}, err
	}
	upper, err := next.find(b)
	if err != nil {
		return layout{}, err
	}
	if lower.Closed || upper.Closed {
		return layout{}, fault.New(fault.Conflict, "shard_closed", "shard %q or %q is closed", a, b)
	}
	if lower.From > upper.From {
		lower, upper = upper, lower
	}
	if lower == upper || lower.Through+1 != upper.From {
		return layout{}, fault.New(fault.Invalid, "shards_not_adjacent", "shards %q and %q are not neighbours", a, b)
	}
	lower.Closed, lower.ClosedAt, upper.Closed, upper.ClosedAt = true, last, true, last
	next.open(lower.From, upper.Through, []uint32{lower.Number, upper.Number})
	return next, nil
}

func (s *layout) open(from, through stream.Hash, parents []uint32) {
	s.Shards = append(s.Shards, state{Number: s.Next, From: from, Through: through, Parents: parents})
	s.Next++
}
