package eventlog

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/tarnhq/tarn/shared/stream"
)

// worthwhile is the size from which Trim ends the newest file in order to delete it.
const worthwhile = 64 << 10

// Trim deletes the oldest files whose records nobody needs any more: all those of
// each shard through the sequence that is given for it. A shard that is not named
// keeps its records.
func (l *Log) Trim(ctx context.Context, through map[stream.ShardID]stream.Sequence) error {
	marks := map[uint32]uint64{}
	l.mu.Lock()
	for _, p := range l.parts {
		n, err := parseSequence(through[p.id])
		if err != nil {
			l.mu.Unlock()
			return err
		}
		marks[p.Number] = n
	}
	l.mu.Unlock()
	past := func(f *file) bool {
		for shard, s := range f.spans {
			if s.Last > marks[shard] {
				return false
			}
		}
		return true
	}
	if err := l.turnOver(ctx, past); err != nil {
		return err
	}
	if err := l.drop(past); err != nil {
		return err
	}
	return l.expire()
}

// turnOver begins a new file if the newest one could be deleted otherwise.
func (l *Log) turnOver(ctx context.Context, past func(*file) bool) error {
	l.mu.Lock()
	n := len(l.files)
	if l.closed || n == 0 || l.gate != nil || l.tail != l.files[n-1] || l.tail.size < worthwhile || l.tail.end != l.tail.size || !past(l.tail) {
		l.mu.Unlock()
		return nil
	}
	l.tail = nil
	started, err := l.enqueueLayout(l.layout())
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return started.wait(ctx)
}

// Turn begins a new file, so that all records that the log holds now can be deleted by
// Trim, and returns a mark for Holds.
func (l *Log) Turn(ctx context.Context) (mark uint64, err error) {
	l.mu.Lock()
	if err := l.admission(ctx); err != nil {
		return 0, err
	}
	l.tail = nil
	started, err := l.enqueueLayout(l.layout())
	mark = l.number
	l.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return mark, started.wait(ctx)
}

// Holds reports whether the log still has a file from before a Turn.
func (l *Log) Holds(mark uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.files) > 0 && l.files[0].number < mark
}

// expire deletes files whose last record is older than the retention.
func (l *Log) expire() error {
	oldest := l.options.Now().Add(-l.options.Retention).UnixMilli()
	return l.drop(func(f *file) bool { return f.newest < oldest })
}

// drop deletes files from the oldest on while they are disposable; the newest
// stays, because it holds the shards and the next sequence.
func (l *Log) drop(disposable func(*file) bool) error {
	l.trimming.Lock()
	defer l.trimming.Unlock()
	for {
		l.mu.Lock()
		if len(l.files) < 2 || !disposable(l.files[0]) {
			l.mu.Unlock()
			return nil
		}
		f := l.files[0]
		l.files = l.files[1:]
		for _, p := range l.parts {
			p.trimmed = max(p.trimmed, f.spans[p.Number].Last)
		}
		l.forget()
		l.mu.Unlock()
		if err := l.remove(f); err != nil {
			return err
		}
	}
}

// remove deletes a file for good before the next one goes, so that a power cut
// leaves no gap.
func (l *Log) remove(f *file) error {
	for _, name := range []string{f.path, indexName(f.path)} {
		if err := l.options.Disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return l.options.Disk.SyncDir(filepath.Dir(f.path))
}
