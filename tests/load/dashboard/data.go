package main

import (
	"context"
	"fmt"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/load/measure"
)

// days is how many days the events are of, each in a segment of its own.
const days = 50

// data is a dataset that grows.
type data struct {
	blobs  *embedded.Blobs
	source *measure.Visits
	over   snapshot.Snapshot
	files  []string
}

// fill makes a dataset of so many events in a folder, and a tail that is not sealed.
func fill(ctx context.Context, store *embedded.Store, n, tail int) (*data, error) {
	d := &data{blobs: store.Blob(), source: measure.NewVisits(1, max(1000, n/50))}
	d.over = snapshot.Snapshot{Dataset: dataset.Dataset{ID: "dashboard000", Name: "clicks", Kind: dataset.Events}, Schema: measure.VisitSchema, Release: func() {}}
	for day := range days {
		if err := d.seal(ctx, day, n/days); err != nil {
			return nil, err
		}
	}
	if tail > 0 {
		return d, d.hold(ctx, tail)
	}
	return d, nil
}

// hold adds a tail of the last day's events, which are a file for those who read files.
func (d *data) hold(ctx context.Context, n int) error {
	d.over.Tail = []snapshot.Part{{ID: 1, Rows: d.source.Days(days-1, 1, n)}}
	ref, err := segment.Write(ctx, d.blobs, segment.Origin{Tenant: "main", Dataset: d.over.Dataset.ID, Shard: "tail", From: "1", Through: "1"}, d.over.Tail[0].Rows, nil)
	if err != nil {
		return err
	}
	path, err := blob.Pather(d.blobs).Path(ref.Key)
	d.files = append(d.files, path)
	return err
}

// seal adds a segment of a day's events.
func (d *data) seal(ctx context.Context, day, n int) error {
	d.over.Version++
	at := stream.Sequence(fmt.Sprint(d.over.Version))
	origin := segment.Origin{Tenant: "main", Dataset: d.over.Dataset.ID, Shard: "filled", From: at, Through: at}
	ref, err := segment.Write(ctx, d.blobs, origin, d.source.Days(day, 1, n), nil)
	if err != nil {
		return err
	}
	path, err := blob.Pather(d.blobs).Path(ref.Key)
	if err != nil {
		return err
	}
	d.over.Segments = append(d.over.Segments[:len(d.over.Segments):len(d.over.Segments)], ref)
	d.files = append(d.files, path)
	return nil
}
