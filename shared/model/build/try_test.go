package build

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/tests/fake"
)

// states are the results as they are.
func (w *world) states(t tester, p model.Project) map[dataset.Name]manifest.State {
	t.Helper()
	out := map[dataset.Name]manifest.State{}
	for _, m := range p.Models {
		d, err := w.catalog().Get(t.Context(), owner, m.Name)
		if fault.Is(err, fault.NotFound) {
			out[m.Name] = manifest.State{}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		st, err := w.manifest().Load(t.Context(), owner, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		out[m.Name] = st
	}
	return out
}

// try tells what building all models would change.
func (w *world) try(t tester, p model.Project, id string) map[dataset.Name]Difference {
	t.Helper()
	x := w.builder(w.table, w.blobs).Try(owner)
	out := map[dataset.Name]Difference{}
	for _, m := range p.Models {
		d, err := x.Build(t.Context(), m, Order{ID: load.ID(id)})
		if err != nil {
			t.Fatal(err)
		}
		out[m.Name] = d
	}
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatATrialTellsIsWhatTheBuildThenChanges(t *testing.T) {
	blobs := &fake.Blobs{}
	sql := newDirect(t, blobs)
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, blobs, sql)
		p := project(t, drawProject(t))
		for round := range 8 {
			id := fmt.Sprint("run", round)
			for range draws(t, "changes", 3) {
				w.change(t, p)
			}
			if draws(t, "edited", 3) == 0 {
				p = project(t, drawProject(t))
			}
			before := w.states(t, p)
			told := w.try(t, p, id)
			if diff := cmp.Diff(before, w.states(t, p)); diff != "" {
				t.Fatalf("a trial changed something:\n%s", diff)
			}
			did := w.build(t, p, id)
			after := w.states(t, p)
			for _, m := range p.Models {
				want := Difference{Model: m.Name, New: told[m.Name].New, Full: did[m.Name].Full, Parts: did[m.Name].Parts}
				d, err := w.catalog().Get(t.Context(), owner, m.Name)
				if err != nil {
					t.Fatal(err)
				}
				b := &build{Builder: w.builder(w.table, w.blobs), tenant: owner, model: m, dataset: d}
				if err := b.compare(t.Context(), before[m.Name], after[m.Name], &want); err != nil {
					t.Fatal(err)
				}
				if want.New != (before[m.Name].Version == 0 && before[m.Name].Schema.Version == 0 && told[m.Name].New) {
					t.Errorf("%s: new is %v", m.Name, told[m.Name].New)
				}
				if diff := cmp.Diff(want, told[m.Name], cmp.Comparer(func(a, b Sum) bool { return a == b })); diff != "" {
					t.Fatalf("%s\n%s\ndid (-), told (+):\n%s", m.Name, m.SQL, diff)
				}
				if want.Added+want.Removed > 0 {
					changed++
				}
			}
		}
	})
	if changed < 1000 && !testing.Short() {
		t.Errorf("%d results changed, and 1,000 are to be told truly", changed)
	}
	t.Logf("%d changes of results", changed)
}

func TestATrialTellsWhyAModelCannotBeBuilt(t *testing.T) {
	blobs := &fake.Blobs{}
	w := newWorld(t, blobs, newDirect(t, blobs))
	p := project(t, model.Files{
		"fails.sql": "select user_id, count(*) as n from {{ source('web') }} group by 1",
		"below.sql": "select * from {{ ref('fails') }}",
		"apart.sql": "select count(*) as n from {{ source('web') }}",
		"m.yml":     "models: [{name: fails, columns: [{name: n, tests: [accepted_values: {values: [7]}]}]}]",
	})
	got := w.try(t, p, "run")
	for name, want := range map[dataset.Name]string{
		"fails": `test "n accepted_values" of model "fails": 1 rows contradict it`,
		"below": `"fails", which it reads, cannot be built`,
		"apart": "",
	} {
		if got[name].Failed != want {
			t.Errorf("%s: %q, want %q", name, got[name].Failed, want)
		}
	}
}
