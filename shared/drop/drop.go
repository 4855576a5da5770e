// Package drop knows the folders that files are dropped into to be loaded. Where a file lies
// says what it becomes:
//
//	orders/2026-01.csv               is appended to the dataset orders
//	orders/replace/all.csv           goes in the stead of what is there
//	orders/upsert=id,region/new.csv  replaces the rows that have its keys
//
// What lies in a folder is the truth, and an event about it no more than a hint: a hint that
// comes twice, late or never changes nothing. Package droptest holds the suite that every
// Folder passes.
package drop

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Drop is a file that was dropped.
type Drop struct {
	Tenant   tenant.ID
	Path     string // below the tenant's folder
	Version  string // of what lies there: written anew it has another
	Size     int64  // bytes
	Modified time.Time
}

// ErrGone says that a drop is no more, or has become another.
var ErrGone = errors.New("the dropped file is gone, or has changed")

// Folder is where files are dropped. One goroutine uses it.
type Folder interface {
	// List returns what was dropped and is whole, in any order; of one path, what came
	// before is before.
	List(ctx context.Context) ([]Drop, error)

	// Copy stores what was dropped as a blob, unless the key is taken. It fails with
	// ErrGone unless the drop is what List told of.
	Copy(ctx context.Context, d Drop, key string) error

	// Done takes a drop away that was loaded; one that is gone is fine. What else was
	// dropped under its path meanwhile stays.
	Done(ctx context.Context, d Drop) error

	// Refuse puts a drop aside, with a text that says why; one that is gone is fine.
	Refuse(ctx context.Context, d Drop, why string) error
}

// id is that of the file that a drop becomes: whoever takes it makes the same one.
func (d Drop) id() file.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", d.Tenant, d.Path, d.Version, d.Size))
	return file.ID(strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10])))
}

// folder returns the dataset that a path names, and the rest of its folder.
func (d Drop) folder() (name dataset.Name, rest string) {
	first, rest, _ := strings.Cut(path.Dir(d.Path), "/")
	return dataset.Name(first), rest
}

// upsert begins the name of a folder whose files are upserts by the columns that follow.
const upsert = "upsert="

// target returns what a drop is to become.
func (d Drop) target() (dataset.Name, file.Spec, error) {
	name, rest := d.folder()
	spec := file.Spec{Name: path.Base(d.Path), Mode: load.Append}
	if err := name.Check(); err != nil || name == "." {
		return "", spec, fault.New(fault.Invalid, "bad_drop_folder", "%.200q lies in no dataset's folder", d.Path).WithHint("drop it as <dataset>/<file>")
	}
	keys, upserted := strings.CutPrefix(rest, upsert)
	switch {
	case rest == "":
	case rest == string(load.Replace):
		spec.Mode = load.Replace
	case upserted && !strings.Contains(rest, "/"):
		spec.Mode, spec.Key = load.Upsert, strings.Split(keys, ",")
	default:
		return name, spec, fault.New(fault.Invalid, "bad_drop_folder", "the folder %.200q says nothing of how to load", rest).
			WithHint("drop it as %[1]s/<file>, %[1]s/replace/<file> or %[1]s/upsert=<column>,<column>/<file>", name)
	}
	return name, spec, nil
}

// alone reports whether a drop waits for all before it, and those after it wait for it:
// appended files may come in any order, what replaces rows may not.
func (d Drop) alone() bool {
	_, rest := d.folder()
	return rest != ""
}
