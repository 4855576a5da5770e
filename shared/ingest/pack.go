// #nosec G115 -- places in a batch of at most 10 MB, and hash buckets, which are at most 2^16

package ingest

import (
	"slices"
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/stream"
)

// fullRecord is the size at which a record is closed. One more event fits below
// stream.MaxRecord then: encoded it has at most three times the bytes of its text.
const fullRecord = 900 << 10

// packer is the memory that pack needs for one batch.
type packer struct {
	enc     events.Encoder
	payload []byte
	order   []uint64 // bucket, then place in the batch, of each event; sorted
}

var packers = sync.Pool{New: func() any { return new(packer) }}

// pack makes the records of a batch: one for each bucket that its events touch, and
// more where one would grow too large. Their bytes are never used again: a stream
// that failed to answer may still be reading them.
func (p *Producer) pack(b Batch) (entries []stream.Entry, size int64) {
	k := packers.Get().(*packer)
	defer packers.Put(k)
	k.order = k.order[:0]
	for i := range b.Events {
		k.order = append(k.order, uint64(p.bucket(b.Dataset, b.Events[i].ID))<<32|uint64(i))
	}
	slices.Sort(k.order)
	for rest := k.order; len(rest) > 0; {
		bucket := rest[0] >> 32
		n := 1
		for n < len(rest) && rest[n]>>32 == bucket {
			n++
		}
		entries = p.packBucket(entries, k, b, uint16(bucket), rest[:n])
		rest = rest[n:]
	}
	for _, e := range entries {
		size += int64(len(e.Data))
	}
	return entries, size
}

// packBucket appends the records of the events of one bucket.
func (p *Producer) packBucket(entries []stream.Entry, k *packer, b Batch, bucket uint16, mine []uint64) []stream.Entry {
	env := events.Envelope{
		Tenant: string(b.Tenant), Dataset: string(b.Dataset), Bucket: bucket, Producer: p.ID,
		First: p.reserve(place{b.Dataset, bucket}, len(mine)), Arrived: b.Arrived, Account: b.Account, Enrichment: b.Enrichment,
	}
	for len(mine) > 0 {
		n := k.fill(&env, b.Events, mine)
		record := p.Seal(make([]byte, 0, len(k.payload)+1), k.payload)
		entries = append(entries, stream.Entry{Hash: stream.Hash(bucket) << p.shift, Data: record})
		env.First += uint64(n)
		mine = mine[n:]
	}
	return entries
}

// fill encodes events until the record is full, and returns how many those are.
func (k *packer) fill(env *events.Envelope, all []events.Event, mine []uint64) int {
	k.enc.Begin(k.payload[:0], env)
	n := 0
	for n < len(mine) && k.enc.Len() < fullRecord {
		k.enc.Add(&all[uint32(mine[n])])
		n++
	}
	k.payload = k.enc.Finish()
	return n
}
