package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
)

// days is how many days the events are of, each in a segment of its own.
const days = 50

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

var schema = dataset.Schema{Version: 1, Columns: []dataset.Column{
	{Name: "country", Type: dataset.Text}, {Name: "device", Type: dataset.Text}, {Name: "url", Type: dataset.Text},
	{Name: "revenue", Type: dataset.Float}, {Name: "detail", Type: dataset.JSON},
}}

// data is a dataset that grows.
type data struct {
	blobs  *embedded.Blobs
	source *source
	over   snapshot.Snapshot
	files  []string
}

// source makes events: a third of the people do two thirds of what happens, and pages
// have a Zipf tail.
type source struct {
	random *rand.Rand
	pages  *rand.Zipf
	users  int
	shape  *events.Shape
}

func newSource(seed uint64, users int) *source {
	random := rand.New(rand.NewPCG(seed, 0x7461726e))
	names := make([]string, len(schema.Columns))
	for i, c := range schema.Columns {
		names[i] = c.Name
	}
	return &source{random: random, pages: rand.NewZipf(random, 1.1, 8, 20_000), users: users, shape: &events.Shape{Names: names}}
}

var (
	steps     = [...]string{"page_viewed", "page_viewed", "page_viewed", "product_viewed", "product_viewed", "bought"}
	countries = [...]string{"DE", "DE", "FR", "US", "US", "US", "CH", "IT", "JP"}
	devices   = [...]string{"phone", "phone", "desktop", "tablet"}
)

// day makes n events of a day, each at an instant of its own.
func (s *source) day(day, n int) rows.Batch {
	b := rows.NewBuilder(schema, dataset.Keep)
	r := s.random
	begin := began.AddDate(0, 0, day).UnixMicro()
	apart := int64(24*time.Hour/time.Microsecond) / int64(n)
	for i := range n {
		user := int(float64(s.users) * r.Float64() * r.Float64())
		cents := r.IntN(10_000)
		b.Append(&events.Event{
			ID:   fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()>>16),
			Name: steps[r.IntN(len(steps))], UserID: fmt.Sprint("u", user), SessionID: fmt.Sprint("s", user, "-", day, "-", i*24/n),
			Time: begin + int64(i)*apart + r.Int64N(apart), Shape: s.shape,
			Values: []events.Value{
				{Kind: events.Text, Text: countries[r.IntN(len(countries))]}, {Kind: events.Text, Text: devices[r.IntN(len(devices))]},
				{Kind: events.Text, Text: fmt.Sprint("/p/", s.pages.Uint64())}, {Kind: events.Float, Float: float64(cents) / 100},
				{Kind: events.JSON, Text: fmt.Sprintf(`{"price":%d.%02d,"basket":%d}`, cents/100, cents%100, r.IntN(9))},
			},
		}, begin)
	}
	return b.View()
}

// fill makes a dataset of so many events in a folder, and a tail that is not sealed.
func fill(ctx context.Context, store *embedded.Store, n, tail int) (*data, error) {
	d := &data{blobs: store.Blob(), source: newSource(1, max(1000, n/50))}
	d.over = snapshot.Snapshot{Dataset: dataset.Dataset{ID: "dashboard000", Name: "clicks", Kind: dataset.Events}, Schema: schema, Release: func() {}}
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
	d.over.Tail = []snapshot.Part{{ID: 1, Rows: d.source.day(days-1, n)}}
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
	ref, err := segment.Write(ctx, d.blobs, origin, d.source.day(day, n), nil)
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
