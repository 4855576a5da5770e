// Package disktest holds a file system for tests that forgets what was not synced
// when the power is cut, and that fails when it is told to.
package disktest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
)

// ErrPower is what every call answers once the power has been cut, or the process
// that made it has crashed.
var ErrPower = errors.New("the power was cut")

// Forgetful is a disk.FS in memory. It knows for each file and each folder what
// is stored and what is merely cached.
type Forgetful struct {
	mu      sync.Mutex
	fail    func(call, name string) error
	dead    bool
	left    int // calls until the power is cut; negative: it stays
	folders map[string]*folder
}

type folder struct{ cached, stored map[string]*node }

// node is a file, or a folder if dir is set.
type node struct {
	dir            bool
	cached, stored []byte
	dirty          map[int]bool // sectors that the next sync stores
}

// New returns a file system that holds one empty folder.
func New(root string) *Forgetful {
	return &Forgetful{left: -1, folders: map[string]*folder{root: {map[string]*node{}, map[string]*node{}}}}
}

// Fail has fail asked before each call ("write", "sync", "syncdir", "create", …);
// its error is the answer. A write that fails has written its first half. Nil
// never fails.
func (f *Forgetful) Fail(fail func(call, name string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// CutAfter cuts the power after n more calls that change something.
func (f *Forgetful) CutAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = n
}

// Crash ends the process that uses f and returns what the next one finds: all that
// was written, synced or not, for the power stays.
func (f *Forgetful) Crash() *Forgetful {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true
	return &Forgetful{left: -1, folders: f.folders}
}

// sector is what a disk writes whole or not at all.
const sector = 64

// Restart cuts the power and returns what is there when it comes back: all that
// was synced, and of the rest an arbitrary part. choose(n) returns an arbitrary
// number from 0 to n-1.
func (f *Forgetful) Restart(choose func(n int) int) *Forgetful {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true
	after := &Forgetful{left: -1, folders: map[string]*folder{}}
	survivors := map[*node]*node{}
	for _, name := range slices.Sorted(maps.Keys(f.folders)) {
		if above := after.folders[filepath.Dir(name)]; above == nil && len(after.folders) > 0 || above != nil && above.cached[filepath.Base(name)] == nil {
			continue // lost with the folder above, or from it
		}
		old := f.folders[name]
		entries := map[string]*node{}
		for _, entry := range slices.Sorted(maps.Keys(union(old.cached, old.stored))) {
			kept := old.stored[entry]
			if kept != old.cached[entry] && choose(2) == 1 {
				kept = old.cached[entry]
			}
			if kept == nil {
				continue
			}
			if survivors[kept] == nil {
				survivors[kept] = kept.survive(choose)
			}
			entries[entry] = survivors[kept]
		}
		after.folders[name] = &folder{cached: entries, stored: maps.Clone(entries)}
	}
	return after
}

func union(a, b map[string]*node) map[string]*node {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// survive returns the file with each unsynced sector either old or new.
func (n *node) survive(choose func(int) int) *node {
	size := len(n.stored)
	if grown := len(n.cached) - size; grown != 0 {
		size += sign(grown) * choose(abs(grown)+1)
	}
	body := make([]byte, size)
	copy(body, n.stored)
	for at := 0; at < size; at += sector {
		end := min(at+sector, size)
		if at < len(n.cached) && string(body[at:end]) != string(n.cached[at:min(end, len(n.cached))]) && choose(2) == 1 {
			copy(body[at:end], n.cached[at:])
		}
	}
	return &node{dir: n.dir, cached: body, stored: slices.Clone(body), dirty: map[int]bool{}}
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

func abs(n int) int { return n * sign(n) }

// enter locks f for a call, unless the call has to fail.
func (f *Forgetful) enter(call, name string) error {
	f.mu.Lock()
	err := f.verdict(call, name)
	if err != nil {
		f.mu.Unlock()
	}
	return err
}

func (f *Forgetful) verdict(call, name string) error {
	changes := call != "open" && call != "readdir" && call != "stat" && call != "read"
	if changes && f.left == 0 {
		f.dead = true
	}
	if f.dead {
		return ErrPower
	}
	if changes && f.left > 0 {
		f.left--
	}
	if f.fail != nil {
		if err := f.fail(call, name); err != nil {
			return &fs.PathError{Op: call, Path: name, Err: err}
		}
	}
	return nil
}

// find returns the folder that holds name, and the file or folder of that name.
func (f *Forgetful) find(name string) (*folder, *node) {
	parent := f.folders[filepath.Dir(name)]
	if parent == nil {
		return nil, nil
	}
	return parent, parent.cached[filepath.Base(name)]
}

func (f *Forgetful) Open(name string) (disk.File, error)      { return f.open("open", name) }
func (f *Forgetful) OpenWrite(name string) (disk.File, error) { return f.open("open", name) }

func (f *Forgetful) open(call, name string) (disk.File, error) {
	if err := f.enter(call, name); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	_, n := f.find(name)
	if n == nil || n.dir {
		return nil, &fs.PathError{Op: call, Path: name, Err: fs.ErrNotExist}
	}
	return &file{fs: f, name: name, node: n}, nil
}

func (f *Forgetful) Create(name string) (disk.File, error) {
	n := &node{dirty: map[int]bool{}}
	if err := f.add("create", name, n); err != nil {
		return nil, err
	}
	return &file{fs: f, name: name, node: n}, nil
}

func (f *Forgetful) Mkdir(name string) error {
	if err := f.add("mkdir", name, &node{dir: true}); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.folders[name] = &folder{map[string]*node{}, map[string]*node{}}
	return nil
}

func (f *Forgetful) Link(from, to string) error {
	f.mu.Lock()
	_, n := f.find(from)
	f.mu.Unlock()
	if n == nil {
		return &fs.PathError{Op: "link", Path: from, Err: fs.ErrNotExist}
	}
	return f.add("link", to, n)
}

func (f *Forgetful) add(call, name string, n *node) error {
	if err := f.enter(call, name); err != nil {
		return err
	}
	defer f.mu.Unlock()
	parent, taken := f.find(name)
	if parent == nil {
		return &fs.PathError{Op: call, Path: name, Err: fs.ErrNotExist}
	}
	if taken != nil {
		return &fs.PathError{Op: call, Path: name, Err: fs.ErrExist}
	}
	parent.cached[filepath.Base(name)] = n
	return nil
}

func (f *Forgetful) Rename(from, to string) error {
	if err := f.enter("rename", from); err != nil {
		return err
	}
	defer f.mu.Unlock()
	source, n := f.find(from)
	target, _ := f.find(to)
	if n == nil || target == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	delete(source.cached, filepath.Base(from))
	target.cached[filepath.Base(to)] = n
	return nil
}

func (f *Forgetful) Remove(name string) error {
	if err := f.enter("remove", name); err != nil {
		return err
	}
	defer f.mu.Unlock()
	parent, n := f.find(name)
	switch {
	case n == nil:
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	case n.dir && len(f.folders[name].cached) > 0:
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	delete(parent.cached, filepath.Base(name))
	return nil
}

func (f *Forgetful) SyncDir(name string) error {
	if err := f.enter("syncdir", name); err != nil {
		return err
	}
	defer f.mu.Unlock()
	d := f.folders[name]
	if d == nil {
		return &fs.PathError{Op: "syncdir", Path: name, Err: fs.ErrNotExist}
	}
	d.stored = maps.Clone(d.cached)
	return nil
}

func (f *Forgetful) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.enter("readdir", name); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	_, self := f.find(name)
	d := f.folders[name]
	if d == nil || self == nil && filepath.Dir(name) != name && f.folders[filepath.Dir(name)] != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	var entries []fs.DirEntry
	for _, entry := range slices.Sorted(maps.Keys(d.cached)) {
		entries = append(entries, fs.FileInfoToDirEntry(info{entry, d.cached[entry]}))
	}
	return entries, nil
}

func (f *Forgetful) Stat(name string) (fs.FileInfo, error) {
	if err := f.enter("stat", name); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	if _, n := f.find(name); n != nil {
		return info{filepath.Base(name), n}, nil
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

type info struct {
	name string
	node *node
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(len(i.node.cached)) }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.node.dir }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.node.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}

type file struct {
	fs   *Forgetful
	name string
	node *node
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.enter("read", f.name); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	if off >= int64(len(f.node.cached)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.cached[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	err := f.fs.enter("write", f.name)
	if err != nil {
		if errors.Is(err, ErrPower) {
			return 0, err
		}
		f.fs.mu.Lock()
		p = p[:len(p)/2]
	}
	defer f.fs.mu.Unlock()
	if end := int(off) + len(p); end > len(f.node.cached) {
		f.node.cached = append(f.node.cached, make([]byte, end-len(f.node.cached))...)
	}
	for at := int(off) / sector; at*sector < int(off)+len(p); at++ {
		f.node.dirty[at] = true
	}
	return copy(f.node.cached[off:], p), err
}

func (f *file) Truncate(size int64) error {
	if err := f.fs.enter("truncate", f.name); err != nil {
		return err
	}
	defer f.fs.mu.Unlock()
	body := make([]byte, size)
	copy(body, f.node.cached)
	f.node.cached = body
	return nil
}

// Sync stores what was written since the sync before. As with real kernels, what
// was written before a sync that failed is no longer known to need one.
func (f *file) Sync() error {
	err := f.fs.enter("sync", f.name)
	if errors.Is(err, ErrPower) {
		return err
	}
	if err != nil {
		f.fs.mu.Lock()
	}
	defer f.fs.mu.Unlock()
	n := f.node
	if err == nil {
		n.stored = append(n.stored[:min(len(n.stored), len(n.cached))], make([]byte, max(0, len(n.cached)-len(n.stored)))...)
		for at := range n.dirty {
			if start := at * sector; start < len(n.cached) {
				copy(n.stored[start:min(start+sector, len(n.cached))], n.cached[start:])
			}
		}
	}
	clear(n.dirty)
	return err
}

func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.node.cached)), nil
}

func (f *file) Close() error { return nil }
