package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/drop"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Still is for how long a file's size and time must have stood still until it is believed
// to be whole.
const Still = 5 * time.Second

// What was loaded, and what was refused, is moved to these folders beside where it lay.
const (
	doneFolder    = "done"
	refusedFolder = "refused"
)

// Drops is drop.Folder on a folder of this machine, all of whose files are one tenant's.
// It is looked at again and again: events of the file system are not told over network
// drives nor of what came before the start, and to wait until a file stands still needs a
// clock anyway. Who renames a whole file into the folder waits for the same few seconds.
type Drops struct {
	root   *os.Root
	tenant tenant.ID
	blobs  blob.Store
	now    func() time.Time
	seen   map[string]standing
}

// standing is a file as it was seen first, and since when.
type standing struct {
	version string
	since   time.Time
}

var _ drop.Folder = (*Drops)(nil)

// OpenDrops opens a folder, and makes it. Drops go into blobs.
func OpenDrops(dir string, t tenant.ID, blobs blob.Store, now func() time.Time) (*Drops, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &Drops{root: root, tenant: t, blobs: blobs, now: now, seen: map[string]standing{}}, err
}

// Close lets go of the folder.
func (d *Drops) Close() error { return d.root.Close() }

// version tells contents apart without reading them.
func version(info fs.FileInfo) string {
	return fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())
}

// List implements drop.Folder.
func (d *Drops) List(ctx context.Context) (all []drop.Drop, err error) {
	seen := map[string]standing{}
	err = fs.WalkDir(d.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return err
		case name != "." && hidden(entry):
			return skip(entry)
		case !entry.Type().IsRegular(): // a link might lead out of the folder
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		now := standing{version(info), d.now()}
		if was, ok := d.seen[name]; ok && was.version == now.version {
			now.since = was.since
		}
		if seen[name] = now; d.now().Sub(now.since) >= Still {
			all = append(all, drop.Drop{Tenant: d.tenant, Path: name, Version: now.version, Size: info.Size(), Modified: info.ModTime()})
		}
		return nil
	})
	d.seen = seen
	return all, unlistable(err)
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// passing are the endings of names that programs give to files in the making.
var passing = []string{".part", ".partial", ".tmp", ".crdownload", ".filepart", "~"}

// hidden reports whether an entry is nothing that was dropped.
func hidden(entry fs.DirEntry) bool {
	name := entry.Name()
	if entry.IsDir() && (name == doneFolder || name == refusedFolder) {
		return true
	}
	return strings.HasPrefix(name, ".") || slices.ContainsFunc(passing, func(end string) bool { return strings.HasSuffix(name, end) })
}

func unlistable(err error) error { return fault.Wrap(fault.Unavailable, "drop_folder", err) }

// Copy implements drop.Folder. A file that is written to while it is read is gone.
func (d *Drops) Copy(ctx context.Context, from drop.Drop, key string) error {
	if err := d.unchanged(from); err != nil {
		return err
	}
	f, err := d.root.Open(from.Path)
	if err != nil {
		return gone(err)
	}
	defer f.Close()
	err = d.blobs.PutFrom(ctx, key, f, from.Size)
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.unchanged(from); err != nil {
		return errors.Join(err, d.blobs.Delete(ctx, key))
	}
	return nil
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return drop.ErrGone
	}
	return unlistable(err)
}

// unchanged returns drop.ErrGone unless a drop lies where it did.
func (d *Drops) unchanged(of drop.Drop) error {
	info, err := d.root.Lstat(of.Path)
	if err != nil {
		return gone(err)
	}
	if !info.Mode().IsRegular() || version(info) != of.Version {
		return drop.ErrGone
	}
	return nil
}

// Done implements drop.Folder.
func (d *Drops) Done(_ context.Context, of drop.Drop) error { return d.move(of, doneFolder, "") }

// Refuse implements drop.Folder.
func (d *Drops) Refuse(_ context.Context, of drop.Drop, why string) error {
	return d.move(of, refusedFolder, why)
}

// move puts a drop into a folder beside it, and a text with it if there is one. What lies
// there under the same name stays.
func (d *Drops) move(of drop.Drop, into, why string) error {
	err := d.unchanged(of)
	if errors.Is(err, drop.ErrGone) {
		return nil
	}
	folder := path.Join(path.Dir(of.Path), into)
	if err == nil {
		err = unlistable(d.root.MkdirAll(folder, 0o700))
	}
	if err != nil {
		return err
	}
	to := path.Join(folder, path.Base(of.Path))
	if _, err := d.root.Lstat(to); err == nil {
		to = path.Join(folder, of.Version+"-"+path.Base(of.Path))
	}
	if why != "" {
		if err := d.root.WriteFile(to+".txt", []byte(why), 0o600); err != nil {
			return unlistable(err)
		}
	}
	err = d.root.Rename(of.Path, to)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return unlistable(err)
}
