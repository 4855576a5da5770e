// Package file knows the files that tenants upload to load them into a dataset: where an
// upload goes, what it is to become, and the job that loads it. What is uploaded is kept
// for a week at most, and goes with its dataset and with every erasure that touches it.
package file

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tabular"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Folder is the folder of a dataset's blobs that uploads go to.
const Folder = "files"

// Keep is how long an upload is kept, whether it was loaded or not.
const Keep = 7 * 24 * time.Hour

// ID names a file among those of its dataset: 16 characters of a-z and 0-9.
type ID string

// Spec is what to make of a file.
type Spec struct {
	Name    string          `json:"name" minLength:"1" maxLength:"200" example:"orders.csv" doc:"tells people, and the format where the content does not"`
	Mode    load.Mode       `json:"mode,omitempty" enum:"append,replace,upsert" doc:"append, unless given; events are appended"`
	Key     []string        `json:"key,omitempty" maxItems:"10" doc:"of an upsert: the columns that tell rows apart"`
	Options tabular.Options `json:"options,omitzero" doc:"how to read it; what is left out is found"`
	Again   bool            `json:"again,omitempty" doc:"append it even if a file with the same content was appended before"`
}

// Check returns fault.Invalid unless s may be made of a file for a dataset. It settles
// what was left out.
func (s *Spec) Check(d dataset.Dataset) error {
	if s.Mode == "" {
		s.Mode = load.Append
	}
	if s.Name == "" || len(s.Name) > 200 || !utf8.ValidString(s.Name) {
		return fault.New(fault.Invalid, "bad_file_name", "a file's name has 1 to 200 bytes of UTF-8")
	}
	if d.Kind == dataset.Table {
		return load.CheckMode(s.Mode, s.Key)
	}
	if s.Mode != load.Append || len(s.Key) > 0 {
		return fault.New(fault.Invalid, "bad_mode", "events are appended").WithHint("leave mode and key out, or load into a dataset of kind table")
	}
	return nil
}

// File is an upload, or the place for one.
type File struct {
	ID      ID           `json:"file_id"`
	Dataset dataset.Name `json:"dataset"`
	Spec
	Extent
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	home    dataset.ID
}

// Store keeps what is known of files in a table, and them in blobs.
type Store struct {
	Table table.Table
	Blobs blob.Store
	Now   func() time.Time
}

func partition(t tenant.ID, d dataset.ID) string { return "files#" + string(t) + "#" + string(d) }

func key(t tenant.ID, d dataset.ID, id ID) table.Key {
	return table.Key{Partition: partition(t, d), Sort: string(id)}
}

// Create makes a place for a file.
func (s Store) Create(ctx context.Context, t tenant.ID, d dataset.Dataset, spec Spec, extent Extent, by string) (File, error) {
	f, err := s.place(d, ID(strings.ToLower(rand.Text())[:16]), spec, by)
	if err != nil {
		return File{}, err
	}
	if f.Extent, err = extent.settle(); err != nil {
		return File{}, err
	}
	return f, s.Table.Commit(ctx, f.write(t))
}

// place is a place for a file.
func (s Store) place(d dataset.Dataset, id ID, spec Spec, by string) (File, error) {
	now := s.Now().UTC().Truncate(time.Microsecond)
	return File{ID: id, Dataset: d.Name, Spec: spec, By: by, Created: now, Expires: now.Add(Keep), home: d.ID}, spec.Check(d)
}

func (f File) write(t tenant.ID) table.Write {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // plain data
	}
	return table.Put(table.Item{Key: key(t, f.home, f.ID), Body: text, Expires: f.Expires}).If(table.Absent)
}

// Receive returns the file with an id, which it makes of what put stores under a key unless
// it is there.
func (s Store) Receive(ctx context.Context, t tenant.ID, d dataset.Dataset, id ID, spec Spec, by string, put func(key string) error) (File, error) {
	if f, err := s.Get(ctx, t, d, id); !fault.Is(err, fault.NotFound) {
		return f, err
	}
	f, err := s.place(d, id, spec, by)
	if err != nil {
		return File{}, err
	}
	if err := put(f.blob(t)); err != nil {
		return File{}, err
	}
	if err := s.Table.Commit(ctx, f.write(t)); fault.Is(err, fault.Conflict) { // somebody else has made it
		return s.Get(ctx, t, d, id)
	} else if err != nil {
		return File{}, err
	}
	return f, nil
}

// Get returns a file, or fault.NotFound.
func (s Store) Get(ctx context.Context, t tenant.ID, d dataset.Dataset, id ID) (File, error) {
	item, err := s.Table.Get(ctx, key(t, d.ID, id))
	if fault.Is(err, fault.NotFound) {
		return File{}, missing(d)
	}
	if err != nil {
		return File{}, err
	}
	return read(item, d)
}

func missing(d dataset.Dataset) error {
	return fault.New(fault.NotFound, "file_not_found", "there is no such file").
		WithHint("files are kept for a week; POST /v1/datasets/%s/files makes a place for another", d.Name)
}

func read(item table.Item, d dataset.Dataset) (File, error) {
	f := File{home: d.ID}
	if err := json.Unmarshal(item.Body, &f); err != nil {
		return File{}, fmt.Errorf("file %s: %w", item.Key.Sort, err)
	}
	return f, nil
}

// Change is what of a file becomes another. What is nil stays.
type Change struct {
	Mode    *load.Mode       `json:"mode,omitempty" enum:"append,replace,upsert"`
	Key     *[]string        `json:"key,omitempty" maxItems:"10" doc:"of an upsert: the columns that tell rows apart"`
	Options *tabular.Options `json:"options,omitempty" doc:"all of them; what is left out is found"`
	Again   *bool            `json:"again,omitempty" doc:"append it even if a file with the same content was appended before"`
}

// Change changes what is made of a file. Loads that were ordered before stay as they were.
func (s Store) Change(ctx context.Context, t tenant.ID, d dataset.Dataset, f File, c Change) (File, error) {
	set(&f.Mode, c.Mode)
	set(&f.Key, c.Key)
	set(&f.Options, c.Options)
	set(&f.Again, c.Again)
	if err := f.Check(d); err != nil {
		return File{}, err
	}
	text, err := json.Marshal(f)
	if err != nil {
		return File{}, err
	}
	err = s.Table.Commit(ctx, table.Put(table.Item{Key: key(t, d.ID, f.ID), Body: text, Expires: f.Expires}).If(table.Present))
	if fault.Is(err, fault.Conflict) {
		return File{}, missing(d)
	}
	return f, err
}

func set[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
}

// List returns a page of a dataset's files; next continues.
func (s Store) List(ctx context.Context, t tenant.ID, d dataset.Dataset, next string, limit int) (files []File, more string, err error) {
	page, err := s.Table.List(ctx, table.Query{Partition: partition(t, d.ID), Next: next, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	for _, item := range page.Items {
		f, err := read(item, d)
		if err != nil {
			return nil, "", err
		}
		files = append(files, f)
	}
	return files, page.Next, nil
}

// Delete forgets a file, and deletes what was uploaded.
func (s Store) Delete(ctx context.Context, t tenant.ID, f File) error {
	if _, err := blob.Clear(ctx, s.Blobs, f.blob(t), nil); err != nil { // parts, too
		return err
	}
	return s.Table.Commit(ctx, table.Delete(key(t, f.home, f.ID)))
}

func (f File) blob(t tenant.ID) string {
	return segment.Prefix(t, f.home) + Folder + "/" + string(f.ID)
}

// UploadURL returns where the file may be put for an hour, with no other credential.
func (s Store) UploadURL(ctx context.Context, t tenant.ID, f File) (string, error) {
	return s.Blobs.PresignPut(ctx, f.blob(t), time.Hour)
}

// Source returns what was uploaded, or fault.NotFound.
func (s Store) Source(ctx context.Context, t tenant.ID, f File) (tabular.Source, error) {
	if f.parted() {
		missing, err := s.missing(ctx, t, f)
		if err == nil && len(missing) > 0 {
			err = fault.New(fault.NotFound, "file_not_uploaded", "%d of %d parts of %q were not uploaded", len(missing), f.count(), f.Name).
				WithHint("GET /v1/datasets/%s/files/%s/uploads says where they go", f.Dataset, f.ID)
		}
		return joined{f, s.Blobs, t}, err
	}
	info, err := s.Blobs.Stat(ctx, f.blob(t))
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "file_not_uploaded", "nothing was uploaded for %q", f.Name).
			WithHint("PUT the file to its upload_url")
	}
	if err != nil {
		return nil, err
	}
	return tabular.FromBlob(s.Blobs, f.blob(t), info.Size), nil
}

// Sweep deletes a dataset's uploads that are older than they are kept, and returns how
// many.
func Sweep(ctx context.Context, blobs blob.Store, t tenant.ID, d dataset.ID, now time.Time) (int, error) {
	return blob.Clear(ctx, blobs, segment.Prefix(t, d)+Folder+"/", func(b blob.Info) bool { return now.Sub(b.Modified) < Keep })
}

// Forget deletes all uploads of a dataset.
func Forget(ctx context.Context, blobs blob.Store, t tenant.ID, d dataset.ID) (int, error) {
	return blob.Clear(ctx, blobs, segment.Prefix(t, d)+Folder+"/", nil)
}
