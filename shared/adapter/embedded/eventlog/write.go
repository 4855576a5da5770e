package eventlog

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/fault"
)

// job is what the writer stores at a time.
type job struct {
	batch  *batch
	pieces []piece
	last   uint64 // the last sequence in it or before
}

// piece is the unwritten part of a block.
type piece struct {
	block *block
	from  int
	data  []byte
}

func (p piece) end() int64 { return p.block.off + int64(p.from+len(p.data)) }

// write is the writer: it stores whatever has gathered while it stored what came
// before, so that the load itself sets the size of a write.
func (l *Log) write() {
	for {
		j, ok := l.take()
		if !ok {
			return
		}
		if err := l.out.store(j.pieces); err != nil {
			l.fail(j, unwritable(err))
			continue
		}
		l.commit(j)
	}
}

func unwritable(err error) error {
	if fault.Is(err, fault.Unavailable) {
		return err
	}
	return fault.Wrap(fault.Unavailable, "log_unwritable", err)
}

// take waits for frames and returns all that there are, ended by a mark. When the
// log is closed it returns a last mark, then nothing.
func (l *Log) take() (job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.work.Wait()
	}
	if len(l.queue) == 0 && (l.tail == nil || l.marked == l.synced) {
		return job{}, false
	}
	l.marked = l.synced
	// A mark needs no new file, the only step of enqueue that can fail.
	_ = l.enqueue(frame{kind: kindMark, sequence: l.synced}, payloadSum(nil))
	j := job{batch: l.batch, last: l.next - 1, pieces: make([]piece, 0, len(l.queue))}
	for _, b := range l.queue {
		j.pieces = append(j.pieces, piece{block: b, from: b.n, data: b.data[b.n:]})
		b.queued = false
	}
	l.queue, l.pending, l.batch = l.queue[:0], 0, newBatch()
	return j, true
}

// commit makes a synced job visible, then tells those who wait for it.
func (l *Log) commit(j job) {
	l.mu.Lock()
	begun := false
	for _, p := range j.pieces {
		b := p.block
		f := b.file
		if f.header != nil {
			l.files, f.header, begun = append(l.files, f), nil, true
		}
		if b.n == 0 {
			f.blocks = append(f.blocks, b)
		}
		b.n = p.from + len(p.data)
		f.size = p.end()
	}
	for _, t := range j.batch.touches {
		t.file.note(t.part.Number, t.first, t.last, t.newest)
		t.part.Last = t.last
		t.part.wake()
	}
	l.synced = j.last
	l.evict()
	l.mu.Unlock()
	close(j.batch.done)
	if begun {
		l.tidy()
	}
}

// evict drops the oldest blocks from memory. Readers that are in them keep them.
func (l *Log) evict() {
	for l.cache > l.options.CacheSize && l.cached[0].n > 0 && l.cached[0] != l.block && !l.cached[0].queued {
		l.cache -= int64(cap(l.cached[0].data))
		l.cached[0].data = nil
		l.cached = l.cached[1:]
	}
}

// tidy does what a new file gives occasion to. That files are not deleted now is
// no failure of a Put: the next file gives occasion again.
func (l *Log) tidy() {
	l.mu.Lock()
	var full *file
	if n := len(l.files); n > 1 {
		full = l.files[n-2]
	}
	l.mu.Unlock()
	if full != nil {
		replaceIndex(l.options.Disk, full)
	}
	_ = l.expire()
}

// fail refuses a job that was not stored, and what was appended behind it.
func (l *Log) fail(j job, err error) {
	l.mu.Lock()
	for _, p := range j.pieces {
		p.block.data, p.block.queued = p.block.data[:p.block.n], false
	}
	for _, b := range l.queue {
		b.data, b.queued = b.data[:b.n], false
	}
	l.cached = slices.DeleteFunc(l.cached, func(b *block) bool {
		if b.n == 0 {
			l.cache -= int64(cap(b.data))
		}
		return b.n == 0
	})
	for _, p := range l.parts {
		p.appended, p.touched = p.Last, nil
	}
	for _, f := range l.files {
		f.end = f.size
	}
	failed := []*batch{j.batch, l.batch}
	l.queue, l.pending, l.batch = nil, 0, newBatch()
	l.next, l.tail, l.block = l.synced+1, nil, nil
	l.mu.Unlock()
	for _, b := range failed {
		b.err = err
		close(b.done)
	}
	_ = l.out.repair() // or else the next job does it, or fails
}

// output writes files. Only the writer uses it.
type output struct {
	disk    disk.FS
	space   *disk.Space
	file    *file // the one that handle writes
	handle  disk.File
	touched []*file // by a job that is not known to have been stored
}

// store writes pieces and syncs them.
func (o *output) store(pieces []piece) error {
	if err := o.repair(); err != nil {
		return err
	}
	if err := o.reserve(pieces); err != nil {
		return err
	}
	for _, p := range pieces {
		if err := o.turn(p.block.file); err != nil {
			return err
		}
		if _, err := o.handle.WriteAt(p.data, p.block.off+int64(p.from)); err != nil {
			return err
		}
	}
	if err := o.handle.Sync(); err != nil {
		return err
	}
	o.touched = o.touched[:0]
	return nil
}

func (o *output) reserve(pieces []piece) error {
	if o.space == nil {
		return nil
	}
	n := 0
	for _, p := range pieces {
		n += len(p.data)
	}
	return o.space.Take(n)
}

// turn makes f the file that is written, and syncs the one before.
func (o *output) turn(f *file) error {
	if !slices.Contains(o.touched, f) {
		o.touched = append(o.touched, f)
	}
	if o.file == f {
		return nil
	}
	if o.handle != nil {
		if err := o.handle.Sync(); err != nil {
			return err
		}
		if err := o.close(); err != nil {
			return err
		}
	}
	var err error
	if f.header != nil {
		o.handle, err = f.create(o.disk)
	} else {
		o.handle, err = o.disk.OpenWrite(f.path)
	}
	if err == nil {
		o.file = f
	}
	return err
}

// repair undoes a job that failed: whatever of it has reached the files must not
// be taken for stored at the next start, nor meet records of the same sequences.
// The last file comes first, so that a power cut leaves no gap between files.
func (o *output) repair() error {
	if len(o.touched) == 0 {
		return nil
	}
	if err := o.close(); err != nil {
		return err
	}
	for _, f := range slices.Backward(o.touched) {
		if err := o.undo(f); err != nil {
			return err
		}
	}
	o.touched = o.touched[:0]
	return nil
}

func (o *output) undo(f *file) error {
	if f.header == nil {
		return settle(o.disk, f, f.size)
	}
	for _, name := range []string{f.path, f.path + passing} {
		if err := o.disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return o.disk.SyncDir(filepath.Dir(f.path))
}

func (o *output) close() error {
	if o.handle == nil {
		return nil
	}
	handle := o.handle
	o.handle, o.file = nil, nil
	return handle.Close()
}
