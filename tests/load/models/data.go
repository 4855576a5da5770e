package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model/build"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/load/measure"
)

const owner tenant.ID = "main"

const (
	aDay     = 20_000 // events
	together = 30     // days in a segment, as merging leaves them
)

// data is a dataset in a folder, and what builds models over it.
type data struct {
	blobs    *embedded.Blobs
	manifest manifest.Store
	dataset  dataset.Dataset
	state    manifest.State
	source   *measure.Visits
	days     int
	seals    int
	sql      *sqlrun.Runner
	builder  build.Builder
	builds   int
}

// with makes a dataset of so many events for the time of use.
func with(ctx context.Context, n int, use func(*data) error) error {
	return measure.WithStore(func(store *embedded.Store, _ string) error {
		d := &data{blobs: store.Blob(), source: measure.NewVisits(1, n/50), days: n / aDay}
		if err := d.open(ctx, store); err != nil {
			return err
		}
		defer d.sql.Close()
		began := time.Now()
		for day := 0; day < d.days; day += together {
			days := min(together, d.days-day)
			if err := d.seal(ctx, day, days, days*aDay); err != nil {
				return err
			}
		}
		fmt.Printf("%d events of %d days in %d segments, made in %v\n", n, d.days, d.seals, time.Since(began).Round(time.Second))
		return use(d)
	})
}

// open prepares what models are built by: as a server does, but one statement on one thread.
func (d *data) open(ctx context.Context, store *embedded.Store) error {
	catalog := dataset.Catalog{Table: store.Table(), Now: time.Now}
	d.manifest = manifest.Store{Table: store.Table(), Blobs: d.blobs, Now: time.Now}
	var err error
	if d.dataset, err = catalog.Create(ctx, owner, dataset.Spec{Name: measure.Dataset, Kind: dataset.Events}); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	files, err := local.New(d.blobs, "", 0)
	if err != nil {
		return err
	}
	d.sql, err = sqlrun.New(sqlrun.Config{Program: program, Files: files, Readable: []string{d.blobs.Folder()}, Threads: 1, AtOnce: 1, Memory: 1 << 30, Deadline: 30 * time.Minute})
	d.builder = build.Builder{Catalog: catalog, Source: &snapshot.Sealed{Catalog: catalog, Manifest: d.manifest}, SQL: d.sql, Loader: load.Loader{Manifest: d.manifest}}
	return err
}

// arrive seals events of the newest day or, late, of one in the middle.
func (d *data) arrive(ctx context.Context, n int, late bool) error {
	day := d.days - 1
	if late {
		day = d.days / 2
	}
	return d.seal(ctx, day, 1, n)
}

// seal commits a segment, as ingestion does.
func (d *data) seal(ctx context.Context, day, days, n int) error {
	d.seals++
	at := stream.Sequence(fmt.Sprint(d.seals))
	origin := segment.Origin{Tenant: owner, Dataset: d.dataset.ID, Shard: "filled", From: at, Through: at}
	ref, err := segment.Write(ctx, d.blobs, origin, d.source.Days(day, days, n), nil)
	if err != nil {
		return err
	}
	d.state, err = d.manifest.Commit(ctx, owner, d.dataset.ID, d.state, manifest.Change{Commit: fmt.Sprint("fill", d.seals), Add: []segment.Ref{ref}, Schema: measure.VisitSchema})
	return err
}

// digest tells a dataset's rows from others, in whatever order they are.
func (d *data) digest(ctx context.Context, name dataset.Name) (string, error) {
	answer, err := d.sql.Run(ctx, engine.Statement{
		SQL: fmt.Sprintf("SELECT count(*)::text || ' rows, ' || sum(hash(r))::text FROM %s AS r", name),
		Open: func(ctx context.Context, name dataset.Name) (engine.Visible, error) {
			over, err := d.builder.Source.Open(ctx, owner, name, nil)
			return engine.Visible{Snapshot: over, View: query.Whole(over.Dataset.Kind, over.Schema)}, err
		},
	})
	if err != nil {
		return "", err
	}
	return answer.Rows[0][0].Text(), nil
}
