package eventlog

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// maxRead is the number of bytes after which a Read returns.
const maxRead = 8 << 20

// Read returns records as soon as they are synced.
func (l *Log) Read(ctx context.Context, id stream.ShardID, after stream.Sequence, limit int, wait time.Duration) ([]stream.Record, bool, error) {
	from, err := parseSequence(after)
	if err != nil {
		return nil, false, err
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for attempt := 0; ; attempt++ {
		p, err := l.look(id, after, from)
		if err != nil {
			return nil, false, err
		}
		if p.last > p.from {
			records, err := l.collect(p.number, p.from, p.last, limit)
			if errors.Is(err, fs.ErrNotExist) && attempt < 3 {
				continue // the file was trimmed in between
			}
			drained := p.closed && len(records) > 0 && records[len(records)-1].Sequence == formatSequence(p.last)
			return records, drained, err
		}
		if p.closed || wait <= 0 {
			return nil, p.closed, nil
		}
		select {
		case <-p.arrival:
		case <-timeout.C:
			return nil, false, nil
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// sight is what a reader saw of a shard.
type sight struct {
	number  uint32
	from    uint64 // what to read follows it
	last    uint64 // the last sequence to be read
	closed  bool
	arrival <-chan struct{} // closed when there is more to see
}

func (l *Log) look(id stream.ShardID, after stream.Sequence, from uint64) (sight, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return sight{}, errClosed
	}
	p := l.part(id)
	if p == nil {
		return sight{}, unknown(id)
	}
	if after != "" && from < p.trimmed {
		return sight{}, fault.New(fault.NotFound, "sequence_expired", "records of shard %q after %s are no longer kept", id, after)
	}
	if p.arrival == nil {
		p.arrival = make(chan struct{})
	}
	return sight{p.Number, max(from, p.trimmed), p.Last, p.Closed, p.arrival}, nil
}

func (l *Log) part(id stream.ShardID) *part {
	if i := slices.IndexFunc(l.parts, func(p *part) bool { return p.id == id }); i >= 0 {
		return l.parts[i]
	}
	return nil
}

// collect returns records of a shard that follow from, of which last is known to be there.
func (l *Log) collect(shard uint32, from, last uint64, limit int) ([]stream.Record, error) {
	var found []stream.Record
	for size := 0; from < last && len(found) < limit && size < maxRead; {
		v, ok := l.view(shard, from)
		if !ok {
			return found, nil
		}
		data, err := l.fetch(v)
		if err != nil {
			return nil, err
		}
		found, size = extract(found, size, data, shard, from, limit)
		from = v.through
	}
	return found, nil
}

// view is a block as it was at one moment.
type view struct {
	path    string
	salt    uint32
	off     int64
	n       int
	data    []byte // nil: on disk only
	through uint64 // the last sequence in it
}

// view returns the first block that may hold a record of the shard that follows from.
func (l *Log) view(shard uint32, from uint64) (view, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := sort.Search(len(l.files), func(i int) bool { return l.files[i].last > from })
	for ; i < len(l.files); i++ {
		f := l.files[i]
		if s, ok := f.spans[shard]; !ok || s.Last <= from {
			continue
		}
		k := sort.Search(len(f.blocks), func(k int) bool { return f.blocks[k].first > from+1 })
		for k = max(0, k-1); k < len(f.blocks); k++ {
			b := f.blocks[k]
			if b.shards&(1<<(shard%64)) == 0 {
				continue
			}
			v := view{path: f.path, salt: f.salt, off: b.off, n: b.n, through: f.last}
			if k+1 < len(f.blocks) {
				v.through = f.blocks[k+1].first - 1
			}
			if b.data != nil {
				v.data = b.data[:b.n]
			}
			return v, true
		}
	}
	return view{}, false
}

// extract appends the records of a shard that follow from.
func extract(found []stream.Record, size int, data []byte, shard uint32, from uint64, limit int) ([]stream.Record, int) {
	for len(found) < limit && size < maxRead {
		f, n := peekFrame(data)
		if n == 0 {
			break
		}
		data = data[n:]
		if f.kind == kindRecord && f.shard == shard && f.sequence > from {
			found = append(found, stream.Record{
				Sequence: formatSequence(f.sequence), Hash: f.hash, Data: f.payload, Arrived: time.UnixMilli(f.arrived),
			})
			size += len(f.payload)
		}
	}
	return found, size
}

// fetch returns the bytes of a block, each frame of which is checked if they
// come from the disk.
func (l *Log) fetch(v view) ([]byte, error) {
	if v.data != nil {
		return v.data, nil
	}
	in, err := l.options.Disk.Open(v.path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data := make([]byte, v.n)
	if _, err := in.ReadAt(data, v.off); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "log_unreadable", err)
	}
	for at := 0; at < len(data); {
		_, size := parseFrame(data[at:], v.salt)
		if size == 0 {
			return nil, corrupt(v.path, v.off+int64(at), "a frame is not what was written")
		}
		at += size
	}
	return data, nil
}

func formatSequence(n uint64) stream.Sequence { return stream.Sequence(strconv.FormatUint(n, 10)) }

func parseSequence(s stream.Sequence) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(s), 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "sequence_invalid", "%q is no sequence of this log", s)
	}
	return n, nil
}
