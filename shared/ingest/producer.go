package ingest

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Options are what a Producer needs. Those said to have a default may be zero.
type Options struct {
	ID      events.Producer // random, of this run of the process alone
	Stream  stream.Stream
	Buckets int // a power of two up to 65,536, fixed for the life of the stream

	Accepted    *Accepted                            // nil: nothing is counted
	Seal        func(dst, payload []byte) []byte     // default events.SealPlain
	Now         func() time.Time                     // default time.Now
	Sleep       func(context.Context, time.Duration) // returns early when the context ends; default does
	Margin      time.Duration                        // kept of the caller's deadline for its answer; default 500 ms
	Patience    time.Duration                        // how long a Put tries where the caller sets no deadline; default 10 s
	MaxInFlight int                                  // bytes of records that are not confirmed yet; default 64 MiB
}

// Producer puts events on the stream. There is one in a process, for all requests.
//
// What makes a retry recognizable is that a record that may have been stored is put
// again with the same bytes, hence the same producer, bucket and position. Positions
// of a batch that failed for good are never used again: they are gaps. Batches of
// concurrent requests may reach the stream in another order than their positions.
type Producer struct {
	Options
	shift    int // a bucket is what remains of a hash so shifted
	inFlight atomic.Int64

	mu   sync.Mutex
	next map[place]uint64 // position of the next event
}

type place struct {
	dataset dataset.ID
	bucket  uint16
}

// NewProducer returns a Producer. It panics if the number of buckets is no power of
// two, because a stage with such a number must not start.
func NewProducer(o Options) *Producer {
	if o.Buckets < 1 || o.Buckets > 1<<16 || o.Buckets&(o.Buckets-1) != 0 {
		panic("ingest: the number of buckets must be a power of two up to 65536")
	}
	if o.Seal == nil {
		o.Seal = events.SealPlain
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Margin == 0 {
		o.Margin = 500 * time.Millisecond
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = 64 << 20
	}
	return &Producer{Options: o, shift: 64 - bits.TrailingZeros(uint(o.Buckets)), next: map[place]uint64{}}
}

// Batch is what one request hands over.
type Batch struct {
	Tenant  tenant.ID
	Dataset dataset.ID
	Arrived int64           // UTC microseconds
	Account events.Producer // of the account that the events were counted to before; zero: they are new
	Events  []events.Event

	Enrichment uint32 // that they went through; zero: none
}

// Put puts a batch on the stream and returns where it went, once all of it is stored
// and counted as accepted. Events with the same id keep their order.
//
// A failure is fault.Unavailable, or fault.Throttled if the stream or the memory of
// this process is what is short: then any part of the batch may have been stored, and
// the caller should send all of it again. Events with ids are recognized then.
func (p *Producer) Put(ctx context.Context, b Batch) (snapshot.Position, error) {
	entries, size := p.pack(b)
	if err := p.admit(size); err != nil {
		return nil, err
	}
	defer p.inFlight.Add(-size)
	position, err := p.put(ctx, entries)
	if err != nil {
		return nil, err
	}
	if p.Accepted != nil && b.Account == 0 {
		p.Accepted.Add(ctx, b.Tenant, b.Dataset, b.Arrived, len(b.Events))
	}
	return position, nil
}

// admit bounds the bytes in flight. One batch may always be in flight alone.
func (p *Producer) admit(size int64) error {
	now := p.inFlight.Add(size)
	if now <= int64(p.MaxInFlight) || now == size {
		return nil
	}
	p.inFlight.Add(-size)
	e := fault.New(fault.Throttled, "too_much_in_flight", "too many events are waiting to be stored").
		WithHint("send the batch again in a second")
	e.RetryAfter = time.Second
	return e
}

// reserve returns the position of the first of n events and moves past them.
func (p *Producer) reserve(at place, n int) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.next[at]
	p.next[at] = first + uint64(n) // #nosec G115 -- a number of events
	return first
}

// HashOf returns the hash that routes an event: its bucket is the top bits of it.
func HashOf(id dataset.ID, eventID string) stream.Hash {
	var buf [12 + 1 + events.MaxID]byte
	key := append(buf[:0], id...)
	key = append(key, 0)
	key = append(key, eventID...)
	return stream.Hash(xxhash.Sum64(key))
}

// bucket returns the bucket of an event. A shift of 64 leaves the only bucket.
func (p *Producer) bucket(id dataset.ID, eventID string) uint16 {
	return uint16(uint64(HashOf(id, eventID)) >> p.shift) // #nosec G115 -- the upper bits of a hash: the shift leaves at most 16
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
