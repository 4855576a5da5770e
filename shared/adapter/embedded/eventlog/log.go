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
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
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

// Open opens the log in dir, or begins one. It fails with fault.Internal if
// records that were stored are damaged.
func Open(dir string, options Options) (*Log, error) {
	l := &Log{dir: dir, options: options.filled(), batch: newBatch()}
	l.work.L = &l.mu
	numbers, err := l.list()
	if err != nil {
		return nil, err
	}
	if err := l.anchor(); err != nil {
		return nil, err
	}
	shards := even(l.options.Shards)
	for i, number := range numbers {
		f, end, err := l.load(fileName(dir, number), i == len(numbers)-1)
		if err != nil {
			return nil, err
		}
		if n := len(l.files); n > 0 && l.files[n-1].last+1 != f.first {
			return nil, corrupt(f.path, 0, fmt.Sprintf("it begins with record %d, the file before ends with %d", f.first, l.files[n-1].last))
		}
		shards = end.layout
		l.files, l.number, l.synced = append(l.files, f), number, f.last
	}
	l.next = l.synced + 1
	l.adopt(shards)
	l.out = &output{disk: l.options.Disk, space: l.options.Space}
	if n := len(l.files); n > 0 {
		l.tail = l.files[n-1]
	}
	l.forget()
	if err := l.expire(); err != nil {
		return nil, err
	}
	l.writing.Go(l.write)
	return l, nil
}

// list returns the numbers of the log's files in order, and removes what an
// interrupted start or deletion of a file left behind.
func (l *Log) list() ([]uint64, error) {
	entries, err := l.options.Disk.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, l.options.Disk.Mkdir(l.dir)
	}
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, entry := range entries {
		if number, ok := numberOf(entry.Name()); ok {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	for _, entry := range entries {
		if l.leftover(entry.Name(), numbers) {
			if err := l.options.Disk.Remove(filepath.Join(l.dir, entry.Name())); err != nil {
				return nil, err
			}
		}
	}
	return numbers, nil
}

func (l *Log) leftover(name string, numbers []uint64) bool {
	stem, isIndex := strings.CutSuffix(name, indexExtension)
	number, _ := numberOf(stem + extension)
	return strings.HasSuffix(name, passing) || isIndex && !slices.Contains(numbers, number)
}

// anchor makes the names of the log's files durable: those that are there may have
// been given by a process that ended before it had synced them.
func (l *Log) anchor() error {
	if err := l.options.Disk.SyncDir(filepath.Dir(l.dir)); err != nil {
		return err
	}
	return l.options.Disk.SyncDir(l.dir)
}

// load reads one file of the log, the last one whole. What a power cut tore off is
// cut; what may have been written without a sync is written again, so that what
// is served from now on is as safe as the rest.
func (l *Log) load(path string, last bool) (*file, tail, error) {
	d := l.options.Disk
	if !last {
		if f, ok := loadIndex(d, path); ok {
			return f, tail{layout: f.layout}, nil
		}
	}
	f, end, err := scan(d, path, l.options.BlockSize)
	switch {
	case err != nil:
		return nil, tail{}, err
	case !last && end.torn:
		return nil, tail{}, corrupt(path, f.size, "it is followed by other files and has no whole end")
	case last:
		return f, end, settle(d, f, end.suspect)
	}
	return f, end, saveIndexAgain(d, f)
}

func saveIndexAgain(d disk.FS, f *file) error {
	if err := d.Remove(indexName(f.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return saveIndex(d, f)
}

// settle makes everything up to f.size durable and cuts off the rest.
func settle(d disk.FS, f *file, suspect int64) error {
	out, err := d.OpenWrite(f.path)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := out.Truncate(f.size); err != nil {
		return err
	}
	again := make([]byte, f.size-suspect)
	if _, err := out.ReadAt(again, suspect); err != nil && len(again) > 0 {
		return err
	}
	if _, err := out.WriteAt(again, suspect); err != nil {
		return err
	}
	return out.Sync()
}

// adopt takes over the shards as the last file tells them, with what the files
// hold of each.
func (l *Log) adopt(shards layout) {
	l.nextShard = shards.Next
	for _, s := range shards.Shards {
		p := newPart(s)
		if len(l.files) > 0 {
			p.trimmed = lastOf(l.files[0].layout, s.Number)
		}
		for _, f := range l.files {
			p.Last = max(p.Last, f.spans[s.Number].Last)
		}
		p.appended = p.Last
		l.parts = append(l.parts, p)
	}
}

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
