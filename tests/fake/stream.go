package fake

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// Stream is a stream.Stream in memory. Make one with NewStream.
type Stream struct {
	Now    func() time.Time
	mu     sync.Mutex
	shards []stream.Shard
	logs   map[stream.ShardID][]stream.Record
	last   int
	wake   chan struct{}
}

var _ stream.Stream = (*Stream)(nil)

// NewStream returns a stream of n shards with equal ranges; n is a power of two.
func NewStream(n int) *Stream {
	s := &Stream{logs: map[stream.ShardID][]stream.Record{}, wake: make(chan struct{})}
	width := math.MaxUint64/uint64(n) + 1 // 0 for n == 1: wraps to the whole range
	for i := range uint64(n) {
		s.open(stream.Hash(i*width), stream.Hash(i*width+width-1), nil)
	}
	return s
}

func (s *Stream) open(from, through stream.Hash, parents []stream.ShardID) {
	id := stream.ShardID(fmt.Sprintf("shard-%d", len(s.shards)+1))
	s.shards = append(s.shards, stream.Shard{ID: id, From: from, Through: through, Parents: parents})
}

// Put implements stream.Stream.
func (s *Stream) Put(ctx context.Context, entries []stream.Entry) ([]stream.Place, error) {
	total := 0
	for _, e := range entries {
		total += len(e.Data)
		if len(e.Data) > stream.MaxRecord {
			return nil, fault.New(fault.Invalid, "too_large", "too large a record")
		}
	}
	if len(entries) == 0 || len(entries) > stream.MaxPut || total > stream.MaxBytes {
		return nil, fault.New(fault.Invalid, "bad_put", "nothing to put, or too much")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	places := make([]stream.Place, len(entries))
	for i, e := range entries {
		shard := s.shards[slices.IndexFunc(s.shards, func(sh stream.Shard) bool { return !sh.Closed && sh.From <= e.Hash && e.Hash <= sh.Through })]
		s.last++
		r := stream.Record{Sequence: stream.Sequence(strconv.Itoa(s.last)), Hash: e.Hash, Data: slices.Clone(e.Data)}
		if s.Now != nil {
			r.Arrived = s.Now()
		}
		s.logs[shard.ID] = append(s.logs[shard.ID], r)
		places[i] = stream.Place{Shard: shard.ID, Sequence: r.Sequence}
	}
	close(s.wake)
	s.wake = make(chan struct{})
	return places, nil
}

// Shards implements stream.Stream.
func (s *Stream) Shards(ctx context.Context) ([]stream.Shard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.shards), ctx.Err()
}

// Read implements stream.Stream.
func (s *Stream) Read(ctx context.Context, shard stream.ShardID, after stream.Sequence, limit int, wait time.Duration) ([]stream.Record, bool, error) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		records, drained, wake, err := s.read(shard, after, limit)
		if len(records) > 0 || drained || wait <= 0 || err != nil {
			return records, drained, firstError(err, ctx.Err())
		}
		select {
		case <-wake:
		case <-timeout.C:
			return nil, false, ctx.Err()
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

func (s *Stream) read(shard stream.ShardID, after stream.Sequence, limit int) ([]stream.Record, bool, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.shards, func(sh stream.Shard) bool { return sh.ID == shard })
	if i < 0 {
		return nil, false, s.wake, fault.New(fault.NotFound, "no_shard", "no shard %s", shard)
	}
	log := s.logs[shard]
	begin := slices.IndexFunc(log, func(r stream.Record) bool { return r.Sequence.After(after) })
	if begin < 0 {
		return nil, s.shards[i].Closed, s.wake, nil
	}
	end := min(len(log), begin+limit)
	return slices.Clone(log[begin:end]), s.shards[i].Closed && end == len(log), s.wake, nil
}

// Split closes a shard and opens two in its place, the upper one from a hash on.
func (s *Stream) Split(_ context.Context, id stream.ShardID, at stream.Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.shards, func(sh stream.Shard) bool { return sh.ID == id && !sh.Closed })
	if i < 0 || at <= s.shards[i].From || at > s.shards[i].Through {
		return fault.New(fault.Invalid, "bad_split", "shard %s cannot be split there", id)
	}
	s.shards[i].Closed = true
	s.open(s.shards[i].From, at-1, []stream.ShardID{id})
	s.open(at, s.shards[i].Through, []stream.ShardID{id})
	s.rouse()
	return nil
}

// Merge closes two neighbours and opens one in their place.
func (s *Stream) Merge(_ context.Context, lower, upper stream.ShardID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	find := func(id stream.ShardID) int {
		return slices.IndexFunc(s.shards, func(sh stream.Shard) bool { return sh.ID == id && !sh.Closed })
	}
	i, j := find(lower), find(upper)
	if i < 0 || j < 0 || s.shards[i].Through+1 != s.shards[j].From {
		return fault.New(fault.Invalid, "bad_merge", "%s and %s are no neighbours", lower, upper)
	}
	s.shards[i].Closed, s.shards[j].Closed = true, true
	s.open(s.shards[i].From, s.shards[j].Through, []stream.ShardID{lower, upper})
	s.rouse()
	return nil
}

func (s *Stream) rouse() {
	close(s.wake)
	s.wake = make(chan struct{})
}
