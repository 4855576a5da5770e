package eventlog

import (
	"context"
	"strconv"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// backlog bounds the bytes that wait for the disk. Puts beyond it wait too.
const backlog = 64 << 20

// Put appends entries and returns when they are synced. It fails as a whole or
// not at all.
func (l *Log) Put(ctx context.Context, entries []stream.Entry) ([]stream.Place, error) {
	if err := admit(entries); err != nil || len(entries) == 0 {
		return nil, err
	}
	places := make([]stream.Place, len(entries))
	sums := make([]uint32, 0, 8)
	for _, e := range entries {
		sums = append(sums, payloadSum(e.Data))
	}
	l.mu.Lock()
	if err := l.admission(ctx); err != nil {
		return nil, err
	}
	first := l.next
	arrived := l.options.Now().UnixMilli()
	for i, e := range entries {
		p := l.route(e.Hash)
		if err := l.append(p, e, arrived, sums[i]); err != nil {
			l.mu.Unlock()
			return nil, err
		}
		places[i].Shard = p.id
	}
	batch := l.batch
	l.work.Signal()
	l.mu.Unlock()

	var digits [20]byte
	for i := range places {
		places[i].Sequence = stream.Sequence(strconv.AppendUint(digits[:0], first+uint64(i), 10)) // #nosec G115 -- a place in a list
	}
	if err := batch.wait(ctx); err != nil {
		return nil, err
	}
	return places, nil
}

func admit(entries []stream.Entry) error {
	if len(entries) > stream.MaxPut {
		return fault.New(fault.Invalid, "put_too_long", "%d records are more than the %d of one put", len(entries), stream.MaxPut)
	}
	total := 0
	for i, e := range entries {
		if len(e.Data) > stream.MaxRecord {
			return fault.New(fault.Invalid, "record_too_large", "record %d has %d bytes, more than %d", i, len(e.Data), stream.MaxRecord)
		}
		total += len(e.Data)
	}
	if total > stream.MaxBytes {
		return fault.New(fault.Invalid, "put_too_large", "%d bytes are more than the %d of one put", total, stream.MaxBytes)
	}
	return nil
}

// admission waits until frames may be appended. It is called with the lock held,
// and has released it when it fails.
func (l *Log) admission(ctx context.Context) error {
	for {
		var wait <-chan struct{}
		switch {
		case l.closed:
			l.mu.Unlock()
			return errClosed
		case l.gate != nil:
			wait = l.gate
		case l.pending > backlog:
			wait = l.batch.done
		default:
			return nil
		}
		l.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
		l.mu.Lock()
	}
}

// route returns the open shard that holds a hash.
func (l *Log) route(hash stream.Hash) *part {
	for _, p := range l.parts {
		if !p.Closed && p.From <= hash && hash <= p.Through {
			return p
		}
	}
	panic("eventlog: the open shards do not hold every hash")
}

// append puts an entry behind the others that wait to be written.
func (l *Log) append(p *part, e stream.Entry, arrived int64, sum uint32) error {
	f := frame{kind: kindRecord, sequence: l.next, hash: e.Hash, arrived: arrived, shard: p.Number, payload: e.Data}
	if err := l.enqueue(f, sum); err != nil {
		return err
	}
	l.block.shards |= 1 << (p.Number % 64)
	if t := p.touched; t == nil || t.batch != l.batch || t.file != l.tail {
		p.touched = &touch{batch: l.batch, file: l.tail, part: p, first: l.next}
		l.batch.touches = append(l.batch.touches, p.touched)
	}
	p.touched.last, p.touched.newest = l.next, arrived
	p.appended = l.next
	l.next++
	return nil
}

// enqueue encodes a frame into the last block, or into a new one.
func (l *Log) enqueue(f frame, sum uint32) error {
	if err := l.advance(headerSize+len(f.payload), f.kind); err != nil {
		return err
	}
	b := l.block
	before := len(b.data)
	b.data = appendFrame(b.data, f, sum, l.tail.salt)
	l.tail.end += int64(len(b.data) - before)
	l.pending += len(b.data) - before
	if !b.queued {
		b.queued = true
		l.queue = append(l.queue, b)
	}
	return nil
}

// advance makes room for a frame of size bytes: in the block, in a new block, or
// in a new file. A mark stays in the file whose write it ends.
func (l *Log) advance(size int, k kind) error {
	if l.tail == nil || l.tail.end >= l.options.FileSize && k != kindMark {
		l.number++
		f, err := newFile(l.dir, l.number, l.next, newSalt(), l.layout())
		if err != nil {
			return err
		}
		l.tail, l.block = f, nil
	}
	if b := l.block; b != nil && len(b.data)+size <= cap(b.data) {
		return nil
	}
	room := max(size, l.options.BlockSize)
	l.block = &block{file: l.tail, off: l.tail.end, first: l.next, data: make([]byte, 0, room)}
	l.cached = append(l.cached, l.block)
	l.cache += int64(room)
	return nil
}

// wait returns when the batch is synced or has failed. A caller that no longer
// waits does not know the outcome.
func (b *batch) wait(ctx context.Context) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
