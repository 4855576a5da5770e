package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
)

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
func (l *Log) load(path string, last bool) (*file, ending, error) {
	d := l.options.Disk
	if !last {
		if f, ok := loadIndex(d, path); ok {
			return f, ending{layout: f.layout}, nil
		}
	}
	f, end, err := scan(d, path, l.options.BlockSize)
	switch {
	case err != nil:
		return nil, ending{}, err
	case !last && end.torn:
		return nil, ending{}, corrupt(path, f.size, "it is followed by other files and has no whole end")
	case last:
		return f, end, settle(d, f, end.suspect)
	}
	replaceIndex(d, f)
	return f, end, nil
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
