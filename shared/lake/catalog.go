package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"
	icebergio "github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
	"github.com/google/uuid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
)

// catalog is the catalog of one table, as package table wants one.
type catalog struct {
	Publisher
	owner  dataset.ID
	ident  table.Identifier
	folder string // of the table's own files, below the root
}

func (p Publisher) catalog(t tenant.ID, d dataset.Dataset) *catalog {
	return &catalog{Publisher: p, owner: d.ID, ident: table.Identifier{Namespace(t), string(d.Name)}, folder: Folder(t, d.ID)}
}

// Folder returns the folder of the files that are a table's and no segment, without a
// trailing slash.
func Folder(t tenant.ID, d dataset.ID) string { return segment.Prefix(t, d) + "open" }

// Namespace returns the name of the namespace, or database, of a tenant's tables.
func Namespace(t tenant.ID) string { return string(t) }

func (c *catalog) pointer() (namespace, name string) { return c.ident[0], c.ident[1] }

// fs gives package table the files of one call.
func (c *catalog) fs(ctx context.Context) (icebergio.IO, error) {
	return storage{context: ctx, blobs: c.Blobs, root: c.Root, own: c.folder + "/"}, nil
}

// LoadTable returns the newest version of the table.
func (c *catalog) LoadTable(ctx context.Context, _ table.Identifier) (*table.Table, error) {
	namespace, name := c.pointer()
	location, err := c.Pointers.Current(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	fs, err := c.fs(ctx)
	if err != nil {
		return nil, err
	}
	text, err := fs.(storage).ReadFile(location)
	if err != nil {
		return nil, err
	}
	meta, err := table.ParseMetadataBytes(text)
	if err != nil {
		return nil, fmt.Errorf("metadata %s: %w", location, err)
	}
	return table.New(c.ident, meta, location, c.fs, c), nil
}

// CommitTable applies updates to the newest version, if it meets the requirements.
func (c *catalog) CommitTable(ctx context.Context, _ table.Identifier, requirements []table.Requirement, updates []table.Update) (table.Metadata, string, error) {
	now, err := c.LoadTable(ctx, c.ident)
	if err != nil {
		return nil, "", err
	}
	for _, r := range requirements {
		if err := r.Validate(now.Metadata()); err != nil {
			return nil, "", fmt.Errorf("%w: %w", table.ErrCommitFailed, err)
		}
	}
	next, err := table.UpdateTableMetadata(now.Metadata(), updates, now.MetadataLocation())
	if err != nil {
		return nil, "", err
	}
	location, err := c.move(ctx, now.MetadataLocation(), next)
	return next, location, err
}

// move stores metadata and moves the table there.
func (c *catalog) move(ctx context.Context, from string, to table.Metadata) (string, error) {
	text, err := json.Marshal(to)
	if err != nil {
		return "", err
	}
	key := fmt.Sprintf("%s/metadata/%05d-%s.metadata.json", c.folder, 1+number(from), uuid.New())
	if err := c.Blobs.Put(ctx, key, text); err != nil {
		return "", err
	}
	namespace, name := c.pointer()
	err = c.Pointers.Swap(ctx, namespace, name, from, c.Root+key)
	if fault.Is(err, fault.Conflict) {
		err = fmt.Errorf("%w: %w", table.ErrCommitFailed, err)
	}
	return c.Root + key, err
}

// number returns the number in the name of a metadata file, -1 for none.
func number(location string) int {
	var n int
	if _, err := fmt.Sscanf(path.Base(location), "%d-", &n); err != nil {
		return -1
	}
	return n
}

// open loads the table, or makes it if it is to be made. A table that shows another
// dataset, one of the same name that was deleted, is replaced.
func (c *catalog) open(ctx context.Context, create bool) (*table.Table, error) {
	tbl, err := c.LoadTable(ctx, c.ident)
	from := ""
	switch {
	case err == nil && tbl.Properties()[ownerProperty] == string(c.owner):
		return tbl, nil
	case err == nil:
		from = tbl.MetadataLocation()
	case !fault.Is(err, fault.NotFound):
		return nil, err
	}
	if !create {
		return nil, nil
	}
	meta, err := c.create()
	if err != nil {
		return nil, err
	}
	if _, err := c.move(ctx, from, meta); err != nil {
		return nil, err
	}
	return c.LoadTable(ctx, c.ident)
}

// create makes an empty table. Package table would number the fields anew: the
// segments have theirs already.
func (c *catalog) create() (table.Metadata, error) {
	b, err := table.NewMetadataBuilder(2)
	if err != nil {
		return nil, err
	}
	spec := byDay
	err = errors.Join(
		b.SetUUID(uuid.New()), b.AddSchema(iceberg.NewSchema(0, fixed()...)), b.SetCurrentSchemaID(-1),
		b.AddSortOrder(&table.UnsortedSortOrder), b.SetDefaultSortOrderID(-1),
		b.AddPartitionSpec(iceberg.UnpartitionedSpec, true), b.AddPartitionSpec(&spec, false), b.SetDefaultSpecID(-1),
		b.SetLoc(c.Root+c.folder),
		b.SetProperties(iceberg.Properties{
			ownerProperty:                             string(c.owner),
			table.CommitNumRetriesKey:                 "0", // a commit is begun anew, from what is published by then
			table.MetadataDeleteAfterCommitEnabledKey: "true", table.MetadataPreviousVersionsMaxKey: "20",
		}))
	if err != nil {
		return nil, err
	}
	return b.Build()
}

// widen adds the fields that files need to the table's schema.
func (c *catalog) widen(ctx context.Context, tbl *table.Table, st manifest.State, refs map[string]segment.Ref) (*table.Table, error) {
	was := tbl.Schema().Fields()
	fields := widened(was, st.Schema, refs)
	if len(fields) == len(was) {
		return tbl, nil
	}
	updates := []table.Update{table.NewAddSchemaUpdate(iceberg.NewSchema(tbl.Schema().ID+1, fields...)), table.NewSetCurrentSchemaUpdate(-1)}
	if _, _, err := c.CommitTable(ctx, c.ident, []table.Requirement{table.AssertCurrentSchemaID(tbl.Schema().ID)}, updates); err != nil {
		return nil, err
	}
	return c.LoadTable(ctx, c.ident)
}

// published lists the data files of the table's newest snapshot, by location.
func (c *catalog) published(ctx context.Context, tbl *table.Table) (map[string]iceberg.DataFile, error) {
	all := map[string]iceberg.DataFile{}
	snapshot := tbl.CurrentSnapshot()
	if snapshot == nil {
		return all, nil
	}
	fs, err := c.fs(ctx)
	if err != nil {
		return nil, err
	}
	lists, err := snapshot.Manifests(fs)
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		entries, err := list.FetchEntries(fs, true)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			all[e.DataFile().FilePath()] = e.DataFile()
		}
	}
	return all, nil
}

// keys are those of the blobs of some files.
func (c *catalog) keys(refs map[string]segment.Ref) []string {
	var all []string
	for location := range refs {
		all = append(all, strings.TrimPrefix(location, c.Root))
	}
	slices.Sort(all)
	return all
}
