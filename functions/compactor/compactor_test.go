package compactor

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)

func newCompactor() Compactor {
	now := func() time.Time { return noon }
	tbl := &fake.Table{Now: now}
	return Compactor{
		Catalog: dataset.Catalog{Table: tbl, Now: now}, Shuffle: func(int, func(i, j int)) {},
		Compact: compact.Compactor{Manifest: manifest.Store{Table: tbl, Blobs: &fake.Blobs{Now: now}, Now: now}, Policy: compact.DefaultPolicy, Now: now},
	}
}

// fill makes a dataset with segments of one row each.
func fill(t *testing.T, c Compactor, owner tenant.ID, name dataset.Name, segments int) dataset.Dataset {
	t.Helper()
	d, err := c.Catalog.Create(t.Context(), owner, dataset.Spec{Name: name, Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	for i := range segments {
		b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
		b.Append(&events.Event{ID: fmt.Sprint("e", i), Name: "seen", Time: noon.UnixMicro()}, noon.UnixMicro())
		at := stream.Sequence(fmt.Sprint(i + 1))
		ref, err := segment.Write(t.Context(), c.Compact.Manifest.Blobs, segment.Origin{Tenant: owner, Dataset: d.ID, Shard: "s", From: at, Through: at}, b.View(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Compact.Manifest.Commit(t.Context(), owner, d.ID, manifest.State{}, manifest.Change{Commit: string(at), Add: []segment.Ref{ref}}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestARunMergesEveryDatasetAndTellsOfEachMerge(t *testing.T) {
	c := newCompactor()
	var told []string
	c.Swapped = func(_ context.Context, of tenant.ID, d dataset.Dataset) error {
		told = append(told, string(of)+" "+string(d.Name))
		return nil
	}
	fill(t, c, "a", "web", 9)
	fill(t, c, "b", "app", 20)
	fill(t, c, "b", "idle", 2)
	report, err := c.Run(t.Context())
	want := Report{Report: compact.Report{Merges: 2, Removed: 29, Added: 2, Rows: 29}}
	if diff := cmp.Diff(want, report); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"a web", "b app"}, told); diff != "" {
		t.Error(diff)
	}
	if report, err := c.Run(t.Context()); report != (Report{}) || err != nil {
		t.Errorf("a run with nothing to do: %+v, %v", report, err)
	}
}

func TestARunEndsWithItsTime(t *testing.T) {
	c := newCompactor()
	fill(t, c, "a", "web", 9)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // less than is kept to end in order
	defer cancel()
	if report, _ := c.Run(ctx); !report.More || report.Merges > 0 {
		t.Errorf("%+v", report)
	}
}
