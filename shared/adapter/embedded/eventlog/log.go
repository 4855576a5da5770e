// Package eventlog is the embedded stream: one append-only log for all shards, in
// files of its own. It promises what package stream asks for, and this:
//
//   - What Put acknowledged is on disk. All Puts that come while one sync is under
//     way share the next one.
//   - Nothing torn is served: a record is visible once it is synced, and each frame
//     read from a file is checked.
//   - When a write or a sync fails, every Put that took part fails with
//     fault.Unavailable. The log then cuts its files back to what was synced
//     before, syncs that, and goes on in a fresh file; until it has managed to, it
//     accepts nothing.
//   - Damage to what was synced is reported, never cut away.
//
// One process at a time may open a log; the embedding store sees to that.
package eventlog

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// Options of a Log. The zero value of each field means its default.
type Options struct {
	Disk      disk.FS          // the machine's
	Space     *disk.Space      // asked before each write; nil: never full
	Now       func() time.Time // time.Now
	Shards    int              // of a log that is opened for the first time: 4
	Retention time.Duration    // of records: 7 days
	FileSize  int64            // bytes after which a new file begins: 64 MiB
	BlockSize int              // bytes that are read at once: 256 KiB
	CacheSize int64            // bytes of recent records kept in memory: 32 MiB
}

func (o Options) filled() Options {
	if o.Disk == nil {
		o.Disk = disk.OS{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Shards = cmp.Or(o.Shards, 4)
	o.Retention = cmp.Or(o.Retention, 7*24*time.Hour)
	o.FileSize = cmp.Or(o.FileSize, 64<<20)
	o.BlockSize = cmp.Or(o.BlockSize, 256<<10)
	o.CacheSize = cmp.Or(o.CacheSize, 32<<20)
	return o
}

// Log is a stream.Stream in a folder.
type Log struct {
	dir     string
	options Options
	writing sync.WaitGroup // the writer
	out     *output        // the writer's own

	trimming sync.Mutex // one deletes files at a time

	mu        sync.Mutex
	work      sync.Cond     // the writer waits here
	next      uint64        // the sequence of the next record
	synced    uint64        // all records through this one are synced
	files     []*file       // on disk, oldest first
	tail      *file         // where frames go; its beginning may not be on disk yet
	block     *block        // the last of tail; nil: none yet
	queue     []*block      // blocks with unwritten bytes, in order
	pending   int           // unwritten bytes
	batch     *batch        // of the frames in queue
	cached    []*block      // blocks with data, oldest first
	cache     int64         // bytes of them
	number    uint64        // of the newest file
	parts     []*part       // the shards, by number
	nextShard uint32        // the number of the next shard
	marked    uint64        // the sequence of the last mark
	gate      chan struct{} // not nil while the shards change: then no Put may append
	closed    bool
}

// part is a shard of an open log.
type part struct {
	id       stream.ShardID
	state           // Last: of what was synced
	trimmed  uint64 // the last sequence that was deleted
	appended uint64 // the last sequence, synced or not
	touched  *touch // by the batch that is being gathered; stale if of another
	arrival  chan struct{}
}

// batch is all that shares one write and one sync.
type batch struct {
	done    chan struct{} // closed when err is final
	err     error
	touches []*touch
}

// touch is what a batch puts into one shard of one file.
type touch struct {
	batch       *batch
	file        *file
	part        *part
	first, last uint64
	newest      int64
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

var errClosed = fault.New(fault.Unavailable, "log_closed", "the event log is closed")

func newPart(s state) *part { return &part{id: shardID(s.Number), state: s, appended: s.Last} }

func lastOf(shards layout, number uint32) uint64 {
	for _, s := range shards.Shards {
		if s.Number == number {
			return s.Last
		}
	}
	return 0
}

// layout returns the shards as they are, for the beginning of a file.
func (l *Log) layout() layout {
	shards := layout{Next: l.nextShard}
	for _, p := range l.parts {
		s := p.state
		s.Last = p.appended
		shards.Shards = append(shards.Shards, s)
	}
	return shards
}

func newSalt() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

// Close waits for the Puts under way and closes the files. Later calls answer
// fault.Unavailable.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.work.Signal()
	for _, p := range l.parts {
		p.wake()
	}
	l.mu.Unlock()
	l.writing.Wait()
	return l.out.close()
}

// wake ends the waiting of the readers of a shard.
func (p *part) wake() {
	if p.arrival != nil {
		close(p.arrival)
		p.arrival = nil
	}
}

var _ stream.Stream = (*Log)(nil)
