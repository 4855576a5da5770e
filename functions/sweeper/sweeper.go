// Package sweeper deletes what nobody can read any more: the data of deleted
// datasets, and of the others the files that no version names. docs/sweep.md says
// why each wait is as long as it is.
//
// A tombstone is all that remembers a deletion, and it goes last: what a run leaves
// undone, wherever it breaks off, the next one does. Two runs at a time do no harm.
package sweeper

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Grace is how long what was removed may still be read: longer than any query lasts.
const Grace = time.Hour

// mourning is how long a tombstone stays, and its dataset is swept again and again:
// longer than the stream keeps a record, and so longer than any worker has rows that
// it could still commit.
const mourning = 8 * 24 * time.Hour

// Sweeper sweeps the datasets of all tenants.
type Sweeper struct {
	Catalog  dataset.Catalog
	Manifest manifest.Store
	Now      func() time.Time
	Grace    time.Duration // how long what was removed or deleted stays
}

// Report is what a run did.
type Report struct {
	Live    int  `json:"live"`    // datasets gone through
	Files   int  `json:"files"`   // deleted of those
	Deleted int  `json:"deleted"` // datasets gone through after their deletion
	Blobs   int  `json:"blobs"`   // deleted of those
	Items   int  `json:"items"`   // deleted of those
	Buried  int  `json:"buried"`  // tombstones deleted
	Exports int  `json:"exports"` // files of exports that nobody may fetch any more
	Failed  int  `json:"failed"`  // datasets and lists of them that the next run must try again
	More    bool `json:"more"`    // time ran out: the next run goes on from there
}

// run is one Run.
type run struct {
	Sweeper
	after  place // begin behind it
	at     place // the last one begun with
	report Report
	err    error // the first failure
}

// Run sweeps every dataset, or as many as it can before ctx ends. One that cannot be
// swept does not keep the others from it; the error tells of the first.
func (s Sweeper) Run(ctx context.Context) (Report, error) {
	within, cancel := early(ctx)
	defer cancel()
	r := run{Sweeper: s}
	var err error
	if r.after, err = s.place(within); err == nil {
		err = r.tenants(within)
	}
	switch {
	case within.Err() != nil:
		r.report.More = true
		err = nil
		if r.at != (place{}) {
			err = s.keep(ctx, r.at)
		}
	case err == nil && r.after != (place{}):
		err = s.keep(ctx, place{})
	}
	return r.report, cmp.Or(r.err, err)
}

func (r *run) tenants(ctx context.Context) error {
	return each(func(next string) ([]tenant.ID, string, error) { return r.Catalog.Tenants(ctx, next) }, func(t tenant.ID) error {
		if t < r.after.tenant {
			return nil
		}
		err := r.deleted(ctx, t)
		if err == nil {
			err = r.exports(ctx, t)
		}
		if err == nil {
			err = r.live(ctx, t)
		}
		return r.failed(ctx, string(t), err)
	})
}

func (r *run) deleted(ctx context.Context, t tenant.ID) error {
	return each(func(next string) ([]dataset.Tombstone, string, error) { return r.Catalog.Deleted(ctx, t, next) }, func(d dataset.Tombstone) error {
		if !r.begin(place{t, "deleted " + string(d.ID)}) || r.age(d) < r.Grace {
			return nil
		}
		r.report.Deleted++
		return r.failed(ctx, string(d.ID), r.erase(ctx, t, d))
	})
}

func (r *run) live(ctx context.Context, t tenant.ID) error {
	return each(func(next string) ([]dataset.Dataset, string, error) { return r.Catalog.List(ctx, t, next, 0) }, func(d dataset.Dataset) error {
		if !r.begin(place{t, "live " + string(d.Name)}) {
			return nil
		}
		r.report.Live++
		n, err := r.Manifest.Sweep(ctx, t, d.ID, r.Grace)
		r.report.Files += n
		for _, sweep := range []func(context.Context, blob.Store, tenant.ID, dataset.ID, time.Time) (int, error){partial.Sweep, file.Sweep} {
			if err == nil {
				n, err = sweep(ctx, r.Manifest.Blobs, t, d.ID, r.Now())
				r.report.Files += n
			}
		}
		return r.failed(ctx, string(d.ID), err)
	})
}

// exports deletes the files of exports that are older than they are kept.
func (r *run) exports(ctx context.Context, t tenant.ID) error {
	if !r.begin(place{t, "exports"}) {
		return nil
	}
	n, err := export.Files{Blobs: r.Manifest.Blobs, Now: r.Now}.Sweep(ctx, t)
	r.report.Exports += n
	return r.failed(ctx, "exports", err)
}

// erase deletes all that a dataset has, and the tombstone once nothing can follow.
func (r *run) erase(ctx context.Context, t tenant.ID, d dataset.Tombstone) error {
	blobs, items, err := r.Manifest.Delete(ctx, t, d.ID)
	r.report.Blobs += blobs
	r.report.Items += items
	if err != nil {
		return err
	}
	accounts, err := ledger.Delete(ctx, r.Manifest.Table, t, d.ID)
	r.report.Items += accounts
	if err != nil {
		return err
	}
	definitions, err := saved.Store{Table: r.Manifest.Table, Now: r.Now}.Forget(ctx, t, d.ID)
	r.report.Items += definitions
	if err != nil || r.age(d) < mourning {
		return err
	}
	if err := r.Catalog.Bury(ctx, t, d.ID); err != nil {
		return err
	}
	r.report.Buried++
	return nil
}

func (r *run) age(d dataset.Tombstone) time.Duration { return r.Now().Sub(d.Deleted) }

// begin reports whether it is p's turn in this run, and notes that it was.
func (r *run) begin(p place) bool {
	if !p.follows(r.after) {
		return false
	}
	r.at = p
	return true
}

// failed counts a failure and lets the run go on, unless there is no more time.
func (r *run) failed(ctx context.Context, what string, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	r.report.Failed++
	r.err = cmp.Or(r.err, fmt.Errorf("sweep %s: %w", what, err))
	return nil
}

// each calls do for every element of every page.
func each[T any](page func(next string) ([]T, string, error), do func(T) error) error {
	for next := ""; ; {
		all, more, err := page(next)
		if err != nil {
			return err
		}
		for _, one := range all {
			if err := do(one); err != nil {
				return err
			}
		}
		if next = more; next == "" {
			return nil
		}
	}
}
