package sweeper

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// bench is a sweeper over ports in memory, on a clock of its own.
type bench struct {
	Sweeper
	t     *testing.T
	now   time.Time
	files *fake.Blobs
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	clock := func() time.Time { return b.now }
	table := &fake.Table{Now: clock}
	b.files = &fake.Blobs{Now: clock}
	b.Sweeper = Sweeper{Catalog: dataset.Catalog{Table: table, Now: clock}, Manifest: manifest.Store{Table: table, Blobs: b.files, Now: clock}, Now: clock, Grace: Grace}
	return b
}

// create makes a dataset that has a file.
func (b *bench) create(t tenant.ID, name dataset.Name) (file string) {
	b.t.Helper()
	d, err := b.Catalog.Create(b.t.Context(), t, dataset.Spec{Name: name, Kind: dataset.Events})
	if err != nil {
		b.t.Fatal(err)
	}
	file = segment.Prefix(t, d.ID) + "entry/1.json"
	if err := b.files.Put(b.t.Context(), file, []byte("x")); err != nil {
		b.t.Fatal(err)
	}
	return file
}

func (b *bench) delete(t tenant.ID, name dataset.Name) {
	b.t.Helper()
	if _, err := b.Catalog.Delete(b.t.Context(), t, name); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) run() Report {
	b.t.Helper()
	report, err := b.Run(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return report
}

func (b *bench) has(file string) bool {
	_, err := b.files.Stat(b.t.Context(), file)
	return err == nil
}

func TestWhatWasDeletedIsKeptForTheGraceAndWatchedForLonger(t *testing.T) {
	b := newBench(t)
	file, other := b.create("acme", "web"), b.create("acme", "app")
	b.delete("acme", "web")
	for _, step := range []struct {
		wait time.Duration
		want Report
		left bool
	}{
		{0, Report{Live: 1}, true},
		{Grace, Report{Live: 1, Deleted: 1, Blobs: 1}, false},
		{mourning - Grace - 1, Report{Live: 1, Deleted: 1}, false},
		{1, Report{Live: 1, Deleted: 1, Buried: 1}, false},
		{1, Report{Live: 1}, false},
	} {
		b.now = b.now.Add(step.wait)
		if diff := cmp.Diff(step.want, b.run()); diff != "" {
			t.Errorf("at %v (-want +got):\n%s", b.now, diff)
		}
		if b.has(file) != step.left {
			t.Errorf("at %v: the file is there: %v", b.now, !step.left)
		}
	}
	if !b.has(other) {
		t.Error("the other dataset's file is gone")
	}
}

// guarded refuses deletions below a prefix, and tells of listings.
type guarded struct {
	blob.Store
	refuse string
	listed func(prefix string)
}

func (g guarded) Delete(ctx context.Context, key string) error {
	if g.refuse != "" && strings.HasPrefix(key, g.refuse) {
		return fault.New(fault.Unavailable, "refused", "refused")
	}
	return g.Store.Delete(ctx, key)
}

func (g guarded) List(ctx context.Context, prefix, next string, limit int) (blob.Page, error) {
	if g.listed != nil {
		g.listed(prefix)
	}
	return g.Store.List(ctx, prefix, next, limit)
}

func TestADatasetThatCannotBeSweptDoesNotKeepTheOthersFromIt(t *testing.T) {
	b := newBench(t)
	stuck, other := b.create("a", "web"), b.create("b", "web")
	b.delete("a", "web")
	b.delete("b", "web")
	b.now = b.now.Add(mourning)
	b.Manifest.Blobs = guarded{Store: b.files, refuse: stuck}
	report, err := b.Run(t.Context())
	if fault.KindOf(err) != fault.Unavailable || report.Failed != 1 || report.Buried != 1 || b.has(other) {
		t.Errorf("report %+v, error %v, the other's file is there: %v", report, err, b.has(other))
	}
	b.Manifest.Blobs = b.files
	if report := b.run(); report.Buried != 1 || b.has(stuck) {
		t.Errorf("the run after: %+v", report)
	}
}

func TestRunsThatAreCutShortReachEveryDataset(t *testing.T) {
	b := newBench(t)
	seen := map[string]bool{}
	for i := range 4 {
		for j := range 3 {
			b.create(tenant.ID(fmt.Sprintf("t%d", i)), dataset.Name(fmt.Sprintf("d%d", j)))
		}
		b.delete(tenant.ID(fmt.Sprintf("t%d", i)), "d1")
	}
	b.now = b.now.Add(Grace)
	for range 6 { // of 12 datasets, two a run
		ctx, cancel := context.WithCancel(t.Context())
		inRun := map[string]bool{}
		b.Manifest.Blobs = guarded{Store: b.files, listed: func(prefix string) {
			folder := strings.Join(strings.SplitAfterN(prefix, "/", 5)[:4], "")
			inRun[folder], seen[folder] = true, true
			if len(inRun) == 2 {
				cancel()
			}
		}}
		report, err := b.Run(ctx)
		if err != nil || !report.More {
			t.Fatalf("report %+v, error %v", report, err)
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d datasets were reached, want 12", len(seen))
	}
	b.Manifest.Blobs = b.files
	b.run() // comes to the end
	if report := b.run(); report.Live != 8 || report.Deleted != 4 {
		t.Errorf("a run that begins anew: %+v", report)
	}
}

func TestTooLittleTimeChangesNothing(t *testing.T) {
	b := newBench(t)
	file := b.create("acme", "web")
	b.delete("acme", "web")
	b.now = b.now.Add(mourning)
	if err := b.keep(t.Context(), place{"a", "live a"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), reserve/2)
	defer cancel()
	report, err := b.Run(ctx)
	if err != nil || !report.More || !b.has(file) {
		t.Errorf("report %+v, error %v", report, err)
	}
	if p, err := b.place(t.Context()); err != nil || p.tenant != "a" {
		t.Errorf("the place is %+v, %v", p, err)
	}
}
