package drop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestWhereAFileLiesSaysWhatItBecomes(t *testing.T) {
	for path, want := range map[string]struct {
		dataset dataset.Name
		mode    load.Mode
		key     []string
		bad     bool
	}{
		"orders/a.csv":                        {"orders", load.Append, nil, false},
		"orders/replace/a.csv":                {"orders", load.Replace, nil, false},
		"orders/upsert=id/a.csv":              {"orders", load.Upsert, []string{"id"}, false},
		"orders/upsert=id,order line/a.csv":   {"orders", load.Upsert, []string{"id", "order line"}, false},
		"a.csv":                               {bad: true},
		"Orders!/a.csv":                       {bad: true},
		"orders/2026/a.csv":                   {dataset: "orders", bad: true},
		"orders/replace/2026/a.csv":           {dataset: "orders", bad: true},
		"orders/upsert=id/2026/a.csv":         {dataset: "orders", bad: true},
		"../orders/a.csv":                     {bad: true},
		strings.Repeat("o", 65) + "/replace/": {bad: true},
	} {
		name, spec, err := Drop{Tenant: "main", Path: path}.target()
		if want.bad != (err != nil) || name != want.dataset {
			t.Errorf("%s: dataset %q, %v", path, name, err)
		}
		if diff := cmp.Diff(want.key, spec.Key); err == nil && (diff != "" || spec.Mode != want.mode || spec.Name != "a.csv") {
			t.Errorf("%s: %+v", path, spec)
		}
	}
}

func TestADropHasAnIDOfItsOwn(t *testing.T) {
	was := map[file.ID]Drop{}
	for _, d := range []Drop{
		{"main", "orders/a.csv", "v1", 1, time.Time{}}, {"other", "orders/a.csv", "v1", 1, time.Time{}}, {"main", "orders/b.csv", "v1", 1, time.Time{}},
		{"main", "orders/a.csv", "v2", 1, time.Time{}}, {"main", "orders/a.csv", "v1", 2, time.Time{}},
	} {
		id := d.id()
		if other, taken := was[id]; taken || len(id) != 16 || strings.ToLower(string(id)) != string(id) {
			t.Errorf("%+v is %q, as is %+v", d, id, other)
		}
		was[id] = d
	}
}

// shelf is a Folder in memory.
type shelf struct {
	drops         []Drop
	done, refused []string
	fails         string // the path whose copy fails
}

func (s *shelf) List(context.Context) ([]Drop, error) { return slices.Clone(s.drops), nil }

func (s *shelf) Copy(_ context.Context, d Drop, _ string) error {
	if d.Path == s.fails {
		return fault.New(fault.Unavailable, "down", "down")
	}
	return nil
}

func (s *shelf) take(d Drop) {
	s.drops = slices.DeleteFunc(s.drops, func(other Drop) bool { return other == d })
}

func (s *shelf) Done(_ context.Context, d Drop) error {
	s.take(d)
	s.done = append(s.done, d.Path)
	return nil
}

func (s *shelf) Refuse(_ context.Context, d Drop, why string) error {
	s.take(d)
	s.refused = append(s.refused, d.Path+": "+why)
	return nil
}

// desk is a Collector over ports in memory, and a worker whose loads do nothing but tell.
type desk struct {
	Collector
	*shelf
	t      *testing.T
	worker *job.Worker
	loaded []string
}

func (k *desk) Run(_ context.Context, j job.Job, _ job.Checkpointer) (any, error) {
	var asked struct {
		File    file.ID
		Refused *job.Failure
	}
	if err := json.Unmarshal(j.Request, &asked); err != nil || asked.Refused != nil {
		return nil, errors.Join(err, fault.New(fault.Invalid, asked.Refused.Code, "%s", asked.Refused.Message))
	}
	d, err := k.Catalog.Get(k.t.Context(), j.Tenant, j.Dataset)
	if err != nil {
		return nil, err
	}
	f, err := k.Files.Get(k.t.Context(), j.Tenant, d, asked.File)
	k.loaded = append(k.loaded, f.Name)
	return nil, err
}

func newDesk(t *testing.T, paths ...string) *desk {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time { now = now.Add(time.Millisecond); return now }
	table := &fake.Table{Now: clock}
	k := &desk{t: t, shelf: &shelf{}}
	k.Collector = Collector{Folder: k.shelf, Catalog: dataset.Catalog{Table: table, Now: clock}, Files: file.Store{Table: table, Blobs: &fake.Blobs{}, Now: clock},
		Jobs: job.Jobs{Table: table, Queue: &fake.Queue{Now: clock, Tries: 5}, Now: clock}, Log: slog.New(slog.DiscardHandler)}
	k.worker = &job.Worker{Jobs: k.Jobs, Runners: map[job.Kind]job.Runner{file.Kind: k}, Random: func(int) int { return 0 }, Log: k.Log}
	for _, name := range []dataset.Name{"orders", "people"} {
		if _, err := k.Catalog.Create(t.Context(), "main", dataset.Spec{Name: name, Kind: dataset.Table}); err != nil {
			t.Fatal(err)
		}
	}
	for i, path := range paths {
		k.drops = append(k.drops, Drop{Tenant: "main", Path: path, Version: "v1", Size: 1, Modified: now.Add(time.Duration(i) * time.Second)})
	}
	return k
}

// turn collects, then works.
func (k *desk) turn() (settled, left int) {
	k.t.Helper()
	settled, left, err := k.Collect(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.worker.Work(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
	return settled, left
}

func TestWhatReplacesRowsWaitsForAllBeforeItAndHoldsUpAllBehindIt(t *testing.T) {
	k := newDesk(t, "orders/1", "orders/2", "orders/upsert=id/3", "orders/4", "orders/replace/5", "orders/6", "people/7")
	slices.Reverse(k.drops)
	for _, want := range []struct {
		settled, left int
		loaded        []string
	}{{0, 7, []string{"1", "2", "7"}}, {3, 4, []string{"3"}}, {1, 3, []string{"4"}}, {1, 2, []string{"5"}}, {1, 1, []string{"6"}}, {1, 0, nil}, {0, 0, nil}} {
		k.loaded = nil
		settled, left := k.turn()
		slices.Sort(k.loaded)
		if diff := cmp.Diff(want.loaded, k.loaded); diff != "" || settled != want.settled || left != want.left {
			t.Errorf("%d settled and %d left, want %d and %d; loaded (-want +got):\n%s", settled, left, want.settled, want.left, diff)
		}
	}
}

func TestNoMoreThanSomeFilesOfADatasetAreUnderWay(t *testing.T) {
	var paths []string
	for n := range 3 * together {
		paths = append(paths, fmt.Sprintf("orders/%d", n))
	}
	k := newDesk(t, paths...)
	for range 3 {
		k.loaded = nil
		if k.turn(); len(k.loaded) != together {
			t.Errorf("%d were loaded, want %d", len(k.loaded), together)
		}
	}
}

func TestWhatCannotBeLoadedIsAFailedJobAndIsPutAside(t *testing.T) {
	k := newDesk(t, "nobody/a", "orders/often/b", "orders/c")
	k.drops[2].Size = blob.MaxSize + 1
	k.drops = append(k.drops, Drop{Tenant: tenant.ID("No Tenant"), Path: "orders/d"})
	for range 3 {
		k.turn()
	}
	if len(k.refused) != 4 || len(k.drops) != 0 || len(k.loaded) != 0 {
		t.Fatalf("refused %q, left %+v, loaded %q", k.refused, k.drops, k.loaded)
	}
	all := strings.Join(k.refused, "\n")
	for _, text := range []string{"dataset_not_found", "bad_drop_folder", "file_too_large", "no workspace"} {
		if !strings.Contains(all, text) {
			t.Errorf("none says %q: %s", text, all)
		}
	}
	failed, _, err := k.Jobs.List(t.Context(), "main", job.Failed, "", 0)
	if err != nil || len(failed) != 3 {
		t.Errorf("%d jobs have failed, want 3, %v", len(failed), err)
	}
}

func TestADatasetWhoseDropsFailDoesNotHoldUpTheOthers(t *testing.T) {
	k := newDesk(t, "orders/a", "orders/b", "people/c")
	k.fails = "orders/a"
	if _, left, err := k.Collect(t.Context()); !fault.Is(err, fault.Unavailable) || left != 3 {
		t.Errorf("%d left, %v", left, err)
	}
	if _, err := k.worker.Work(t.Context()); err != nil || !slices.Equal(k.loaded, []string{"c"}) {
		t.Errorf("loaded %q, %v", k.loaded, err)
	}
}
