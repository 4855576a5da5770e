package publisher

import (
	"context"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)

// pointers are lake.Pointers in memory, for tables that are made once.
type pointers map[string]string

func (p pointers) Current(_ context.Context, namespace, name string) (string, error) {
	if at, ok := p[namespace+"."+name]; ok {
		return at, nil
	}
	return "", fault.New(fault.NotFound, "no_table", "no table")
}

func (p pointers) Swap(_ context.Context, namespace, name, _, to string) error {
	if name == "stuck" {
		return fault.New(fault.Unavailable, "refused", "refused")
	}
	p[namespace+"."+name] = to
	return nil
}

// add makes a dataset with a merged segment of one row.
func add(t *testing.T, p Publisher, owner tenant.ID, name dataset.Name, kind dataset.Kind) {
	t.Helper()
	d, err := p.Catalog.Create(t.Context(), owner, dataset.Spec{Name: name, Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
	b.Append(&events.Event{ID: "e", Name: "seen", Time: noon.UnixMicro()}, noon.UnixMicro())
	ref, err := segment.WriteMerged(t.Context(), p.Lake.Blobs, segment.Origin{Tenant: owner, Dataset: d.ID, Shard: "compact", From: "1", Through: "1"}, b.View(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Lake.Manifest.Commit(t.Context(), owner, d.ID, manifest.State{}, manifest.Change{Commit: "1", Add: []segment.Ref{ref}}); err != nil {
		t.Fatal(err)
	}
}

func TestARunPublishesTheEventsOfEveryTenantWhateverFails(t *testing.T) {
	now := func() time.Time { return noon }
	tbl, blobs, at := &fake.Table{Now: now}, &fake.Blobs{Now: now}, pointers{}
	p := Publisher{
		Catalog: dataset.Catalog{Table: tbl, Now: now}, Shuffle: func(int, func(i, j int)) {},
		Lake: lake.Publisher{Manifest: manifest.Store{Table: tbl, Blobs: blobs, Now: now}, Blobs: blobs, Pointers: at, Root: "mem://", Now: now},
	}
	add(t, p, "a", "stuck", dataset.Events)
	add(t, p, "a", "web", dataset.Events)
	add(t, p, "b", "app", dataset.Events)
	add(t, p, "b", "crm", dataset.Table)
	report, err := p.Run(t.Context())
	if want := (Report{Report: lake.Report{Added: 2}, Failed: 1}); report != want || !fault.Is(err, fault.Unavailable) {
		t.Errorf("%+v, %v, want %+v", report, err, want)
	}
	if len(at) != 2 || at["a.web"] == "" || at["b.app"] == "" {
		t.Errorf("tables at %v", at)
	}
	if report, _ := p.Run(t.Context()); report != (Report{Failed: 1}) {
		t.Errorf("again: %+v", report)
	}
}
