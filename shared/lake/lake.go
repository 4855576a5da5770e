// Package lake publishes the merged segments of a dataset as an Iceberg table, so
// that Athena, Spark, Trino and DuckDB read the rows without Tarn. The table's data
// files are the segments themselves: nothing is copied. docs/iceberg.md says what is
// published when, and how types that Iceberg cannot widen are shown.
package lake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Pointers keep where each table's newest metadata is: an Iceberg catalog, as far as
// it is needed. A location is text.
type Pointers interface {
	// Current returns the location of a table, or fault.NotFound.
	Current(ctx context.Context, namespace, name string) (string, error)

	// Swap moves a table from one location to another; an empty one is that of no
	// table. It fails with fault.Conflict unless the table is at from.
	Swap(ctx context.Context, namespace, name, from, to string) error
}

// Publisher publishes datasets. Any number may be at it: a commit that was overtaken
// is begun again from what is published by then.
type Publisher struct {
	Manifest manifest.Store
	Blobs    blob.Store
	Pointers Pointers
	Root     string // the location of the blob with an empty key: "s3://bucket/", "file:///folder/"
}

// Report is what was published.
type Report struct {
	Added   int `json:"added"` // files
	Removed int `json:"removed"`
}

const (
	attempts  = 5             // at a commit that others overtake
	kept      = 2 * time.Hour // how long a snapshot can be read after the next one
	manifests = 20            // of a snapshot, before they are rewritten
)

// Properties of tables and of their snapshots.
const (
	ownerProperty   = "tarn.dataset" // the id of the dataset that the table shows
	versionProperty = "tarn.version" // the manifest version that a snapshot shows: its batch id
)

// Publish brings a dataset's table up to its newest version, in one snapshot. It
// compares what is published with what should be, so that doing it again changes
// nothing, whatever became of the time before.
func (p Publisher) Publish(ctx context.Context, t tenant.ID, d dataset.Dataset) (Report, error) {
	st, err := p.Manifest.Load(ctx, t, d.ID)
	if err != nil {
		return Report{}, err
	}
	for range attempts {
		var r Report
		if r, err = p.publish(ctx, t, d, st); !errors.Is(err, table.ErrCommitFailed) {
			return r, err
		}
	}
	return Report{}, err
}

func (p Publisher) publish(ctx context.Context, t tenant.ID, d dataset.Dataset, st manifest.State) (Report, error) {
	wanted := p.wanted(st)
	c := p.catalog(t, d)
	tbl, err := c.open(ctx, len(wanted) > 0)
	if err != nil || tbl == nil || newest(tbl) >= st.Version {
		return Report{}, err
	}
	published, err := c.published(ctx, tbl)
	if err != nil {
		return Report{}, err
	}
	add, remove := difference(wanted, published)
	if len(add)+len(remove) == 0 {
		return Report{}, nil
	}
	if err := p.Manifest.Hold(ctx, t, d.ID, c.keys(wanted), kept+time.Hour); err != nil {
		return Report{}, err
	}
	if tbl, err = c.widen(ctx, tbl, st, wanted); err != nil {
		return Report{}, err
	}
	if tbl, err = c.commit(ctx, tbl, st.Version, files(add, wanted), values(remove, published)); err != nil {
		return Report{}, err
	}
	return Report{Added: len(add), Removed: len(remove)}, c.tidy(ctx, tbl)
}

// wanted lists the segments to be published, by location.
func (p Publisher) wanted(st manifest.State) map[string]segment.Ref {
	all := map[string]segment.Ref{}
	for _, ref := range st.Of(segment.Rows) {
		if ref.Merged {
			all[p.Root+ref.Key] = ref
		}
	}
	return all
}

// newest returns the version that a table shows.
func newest(tbl *table.Table) manifest.Version {
	s := tbl.CurrentSnapshot()
	if s == nil || s.Summary == nil {
		return 0
	}
	v, err := strconv.ParseUint(s.Summary.Properties[versionProperty], 10, 64)
	if err != nil {
		return 0
	}
	return manifest.Version(v)
}

// difference returns the locations that only one of both has, in order.
func difference[A, B any](wanted map[string]A, published map[string]B) (add, remove []string) {
	for _, location := range slices.Sorted(maps.Keys(wanted)) {
		if _, ok := published[location]; !ok {
			add = append(add, location)
		}
	}
	for _, location := range slices.Sorted(maps.Keys(published)) {
		if _, ok := wanted[location]; !ok {
			remove = append(remove, location)
		}
	}
	return add, remove
}

func values[V any](keys []string, of map[string]V) []V {
	all := make([]V, len(keys))
	for i, key := range keys {
		all[i] = of[key]
	}
	return all
}

func files(locations []string, refs map[string]segment.Ref) []iceberg.DataFile {
	all := make([]iceberg.DataFile, len(locations))
	for i, location := range locations {
		all[i] = fileOf(location, refs[location])
	}
	return all
}

// commit replaces files in one snapshot, and lets those go that are old.
func (c *catalog) commit(ctx context.Context, tbl *table.Table, version manifest.Version, add, remove []iceberg.DataFile) (*table.Table, error) {
	tx := tbl.NewTransaction()
	properties := iceberg.Properties{versionProperty: strconv.FormatUint(uint64(version), 10)}
	if err := tx.ReplaceDataFilesWithDataFiles(ctx, remove, add, properties, table.WithoutAutoNameMapping(), table.WithoutDuplicateCheck()); err != nil {
		return nil, fmt.Errorf("replace files: %w", err)
	}
	if err := tx.ExpireSnapshots(table.WithOlderThan(kept), table.WithRetainLast(1)); err != nil {
		return nil, fmt.Errorf("expire snapshots: %w", err)
	}
	return tx.Commit(ctx)
}

// tidy rewrites the manifests once there are many. Somebody who is faster will do it.
func (c *catalog) tidy(ctx context.Context, tbl *table.Table) error {
	fs, err := tbl.FS(ctx)
	if err != nil {
		return err
	}
	all, err := tbl.CurrentSnapshot().Manifests(fs)
	if err != nil || len(all) <= manifests {
		return err
	}
	tx := tbl.NewTransaction()
	done, err := tx.RewriteManifests(ctx)
	if err != nil || done.IsNoOp() {
		return err
	}
	if _, err = tx.Commit(ctx); errors.Is(err, table.ErrCommitFailed) {
		return nil
	}
	return err
}
