// Package lake publishes the merged segments of a dataset as an Iceberg table, so
// that Athena, Spark, Trino and DuckDB read the rows without Tarn. The table's data
// files are the segments themselves: nothing is copied. docs/iceberg.md says what is
// published when, and how types that Iceberg cannot widen are shown.
//
// Schemas, partitions and manifests are iceberg-go's. The table's metadata is written
// here: package table of iceberg-go links Arrow's engine, and its commits read what
// they need not.
package lake

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
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
	Now      func() time.Time
}

// Report is what was published.
type Report struct {
	Added   int `json:"added"` // files
	Removed int `json:"removed"`
}

const (
	attempts = 5             // at a commit that others overtake
	kept     = 2 * time.Hour // how long a snapshot can be read after the next one
	margin   = time.Hour     // longer than a commit takes
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
		if r, err = p.publish(ctx, t, d, st); !fault.Is(err, fault.Conflict) {
			return r, err
		}
	}
	return Report{}, err
}

func (p Publisher) publish(ctx context.Context, t tenant.ID, d dataset.Dataset, st manifest.State) (Report, error) {
	tbl, err := p.open(ctx, t, d)
	if err != nil || tbl.version() >= st.Version {
		return Report{}, err
	}
	wanted := p.wanted(st)
	published, err := tbl.published(ctx)
	if err != nil {
		return Report{}, err
	}
	c := compare(wanted, published)
	if len(c.add)+len(c.remove) == 0 {
		return Report{}, nil
	}
	if err := p.Manifest.Hold(ctx, t, d.ID, keys(wanted), kept+margin); err != nil {
		return Report{}, err
	}
	if err := tbl.commit(ctx, st, c, p.Now().Add(-kept).UnixMilli()); err != nil {
		return Report{}, err
	}
	return Report{Added: len(c.add), Removed: len(c.remove)}, tbl.tidy(ctx)
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

func keys(refs map[string]segment.Ref) []string {
	var all []string
	for _, ref := range refs {
		all = append(all, ref.Key)
	}
	slices.Sort(all)
	return all
}

// change is what a commit does to the files of a table.
type change struct {
	add          []located
	keep, remove []entry
}

// located is a segment and where its file is.
type located struct {
	location string
	segment.Ref
}

// compare tells what leads from what is published to what is wanted.
func compare(wanted map[string]segment.Ref, published map[string]entry) (c change) {
	for _, location := range slices.Sorted(maps.Keys(wanted)) {
		if _, ok := published[location]; !ok {
			c.add = append(c.add, located{location, wanted[location]})
		}
	}
	for _, location := range slices.Sorted(maps.Keys(published)) {
		if _, ok := wanted[location]; ok {
			c.keep = append(c.keep, published[location])
		} else {
			c.remove = append(c.remove, published[location])
		}
	}
	return c
}
