package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/apache/iceberg-go"
	"github.com/google/uuid"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
)

// entry is a data file of a snapshot.
type entry = iceberg.ManifestEntry

// openTable is a table as it was when it was opened.
type openTable struct {
	Publisher
	metadata
	namespace, name string
	folder          string // of the table's own files, below the root
	at              string // where the metadata is; empty: the table is not there yet
	stale           bool   // what is there is the table of a deleted dataset of the same name
}

// Folder returns the folder of the files that are a table's and no segment, without a
// trailing slash.
func Folder(t tenant.ID, d dataset.ID) string { return segment.Prefix(t, d) + "open" }

// open reads a dataset's table, or begins one.
func (p Publisher) open(ctx context.Context, t tenant.ID, d dataset.Dataset) (*openTable, error) {
	o := &openTable{Publisher: p, namespace: string(t), name: string(d.Name), folder: Folder(t, d.ID)}
	at, err := p.Pointers.Current(ctx, o.namespace, o.name)
	if fault.Is(err, fault.NotFound) {
		o.metadata = newMetadata(p.Root+o.folder, string(d.ID))
		return o, nil
	}
	if err != nil {
		return nil, err
	}
	o.at = at
	text, err := p.read(ctx, at)
	switch {
	case fault.Is(err, fault.NotFound):
		o.stale = true // its dataset was deleted, and swept
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(text, &o.metadata); err != nil {
			return nil, fmt.Errorf("metadata %s: %w", at, err)
		}
		o.stale = o.Properties[ownerProperty] != string(d.ID)
	}
	if o.stale {
		o.metadata = newMetadata(p.Root+o.folder, string(d.ID))
	}
	return o, nil
}

func (p Publisher) read(ctx context.Context, location string) ([]byte, error) {
	key, ok := strings.CutPrefix(location, p.Root)
	if !ok {
		return nil, fmt.Errorf("%s is not below %s", location, p.Root)
	}
	r, err := p.Blobs.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "blob_read", err)
	}
	return text, nil
}

// write stores a file of the table and returns where it is.
func (o *openTable) write(ctx context.Context, name string, content []byte) (location string, err error) {
	key := o.folder + "/metadata/" + name
	return o.Root + key, o.Blobs.Put(ctx, key, content)
}

// published lists the data files of the current snapshot, by location.
func (o *openTable) published(ctx context.Context) (map[string]entry, error) {
	s, ok := o.snapshot()
	if !ok {
		return map[string]entry{}, nil
	}
	return o.files(ctx, s)
}

// files lists the data files of a snapshot, by location.
func (o *openTable) files(ctx context.Context, s snapshot) (map[string]entry, error) {
	all := map[string]entry{}
	text, err := o.read(ctx, s.List)
	if err != nil {
		return nil, err
	}
	lists, err := iceberg.ReadManifestList(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("manifest list %s: %w", s.List, err)
	}
	for _, list := range lists {
		text, err := o.read(ctx, list.FilePath())
		if err != nil {
			return nil, err
		}
		entries, err := iceberg.ReadManifest(list, bytes.NewReader(text), true)
		if err != nil {
			return nil, fmt.Errorf("manifest %s: %w", list.FilePath(), err)
		}
		for _, e := range entries {
			all[e.DataFile().FilePath()] = e
		}
	}
	return all, nil
}

// move makes metadata the table's. It fails with fault.Conflict when somebody else has
// moved the table since it was opened.
func (o *openTable) move(ctx context.Context, to metadata) error {
	if o.at != "" && !o.stale {
		to = to.follow(o.at, o.Updated)
	}
	text, err := json.Marshal(to)
	if err != nil {
		return err
	}
	location, err := o.write(ctx, fmt.Sprintf("%05d-%s.metadata.json", to.Sequence, uuid.New()), text)
	if err != nil {
		return err
	}
	if err := o.Pointers.Swap(ctx, o.namespace, o.name, o.at, location); err != nil {
		return err
	}
	o.metadata, o.at, o.stale = to, location, false
	return nil
}

// tidy deletes the files of the table that nobody can read any more: those of snapshots
// that were let go, and of commits that failed.
func (o *openTable) tidy(ctx context.Context) error {
	named := map[string]bool{path.Base(o.at): true}
	for _, p := range o.MetadataLog {
		named[path.Base(p.Location)] = true
	}
	for _, s := range o.Snapshots {
		for _, name := range append(manifestNames(s.ID), listName(s.ID)) {
			named[name] = true
		}
	}
	before := o.Now().Add(-margin)
	_, err := blob.Clear(ctx, o.Blobs, o.folder+"/", func(b blob.Info) bool {
		return named[path.Base(b.Key)] || !b.Modified.Before(before)
	})
	return err
}
