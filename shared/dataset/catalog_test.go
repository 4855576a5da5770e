package dataset_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func catalog() dataset.Catalog {
	return dataset.Catalog{Table: &fake.Table{}, Now: func() time.Time { return now }}
}

func TestADatasetIsFoundByNameAndByID(t *testing.T) {
	c := catalog()
	made, err := c.Create(t.Context(), "main", dataset.Spec{Name: "web", Kind: dataset.Events, Columns: []dataset.Column{{Name: "url", Type: dataset.Text}}})
	if err != nil {
		t.Fatal(err)
	}
	byName, err := c.Get(t.Context(), "main", "web")
	if err != nil {
		t.Fatal(err)
	}
	byID, err := c.ByID(t.Context(), "main", made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, byName); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(made, byID); diff != "" {
		t.Error(diff)
	}
}

func TestAnotherTenantsDatasetIsAbsent(t *testing.T) {
	c := catalog()
	made, err := c.Create(t.Context(), "main", dataset.Spec{Name: "web", Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "other", "web"); !fault.Is(err, fault.NotFound) {
		t.Errorf("by name: %v, want NotFound", err)
	}
	if _, err := c.ByID(t.Context(), "other", made.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("by id: %v, want NotFound", err)
	}
}

func TestWhatCannotBeDeclaredIsRefused(t *testing.T) {
	for claim, c := range map[string]struct {
		spec dataset.Spec
		code string
	}{
		"a name with a capital":     {dataset.Spec{Name: "Web", Kind: dataset.Events}, "bad_dataset_name"},
		"a name that begins with _": {dataset.Spec{Name: "_web", Kind: dataset.Events}, "bad_dataset_name"},
		"a name of 65 characters":   {dataset.Spec{Name: dataset.Name(fmt.Sprintf("%065d", 0)), Kind: dataset.Events}, "bad_dataset_name"},
		"an unknown kind":           {dataset.Spec{Name: "web", Kind: "stream"}, "bad_dataset_kind"},
		"a fixed column":            {dataset.Spec{Name: "web", Kind: dataset.Events, Columns: []dataset.Column{{Name: "time", Type: dataset.Time}}}, "fixed_column"},
		"a column of no type":       {dataset.Spec{Name: "web", Kind: dataset.Events, Columns: []dataset.Column{{Name: "a", Type: "money"}}}, "bad_column_type"},
		"a column of two types": {dataset.Spec{Name: "web", Kind: dataset.Events,
			Columns: []dataset.Column{{Name: "a", Type: dataset.Int}, {Name: "a", Type: dataset.Text}}}, "column_declared"},
	} {
		t.Run(claim, func(t *testing.T) {
			_, err := catalog().Create(t.Context(), "main", c.spec)
			if err == nil {
				t.Fatal("it was created")
			}
			if e, ok := err.(*fault.Error); !ok || e.Code != c.code {
				t.Errorf("got %v, want code %s", err, c.code)
			}
		})
	}
}

func TestOfTwoDatasetsWithANameOneIsMade(t *testing.T) {
	c := catalog()
	spec := dataset.Spec{Name: "web", Kind: dataset.Events}
	if _, err := c.Create(t.Context(), "main", spec); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), "main", spec); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want Conflict", err)
	}
}

func TestADeletedNameMakesAnotherDataset(t *testing.T) {
	c := catalog()
	spec := dataset.Spec{Name: "web", Kind: dataset.Events}
	first, err := c.Create(t.Context(), "main", spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Delete(t.Context(), "main", "web"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ByID(t.Context(), "main", first.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("the deleted one by id: %v, want NotFound", err)
	}
	second, err := c.Create(t.Context(), "main", spec)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID == second.ID {
		t.Error("the id was used again")
	}
}

func TestADeletedDatasetLeavesATombstoneUntilItIsBuried(t *testing.T) {
	c := catalog()
	made, err := c.Create(t.Context(), "main", dataset.Spec{Name: "web", Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Delete(t.Context(), "main", "web"); err != nil {
		t.Fatal(err)
	}
	left, _, err := c.Deleted(t.Context(), "main", "")
	if diff := cmp.Diff([]dataset.Tombstone{{ID: made.ID, Deleted: now}}, left); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := c.Bury(t.Context(), "main", made.ID); err != nil {
		t.Fatal(err)
	}
	if left, _, err := c.Deleted(t.Context(), "main", ""); len(left) > 0 || err != nil {
		t.Error(left, err)
	}
}

func TestTenantsAreFoundByTheirFirstDatasetAndStay(t *testing.T) {
	c := catalog()
	for _, made := range []struct {
		tenant tenant.ID
		name   dataset.Name
	}{{"b", "web"}, {"a", "web"}, {"a", "app"}} {
		if _, err := c.Create(t.Context(), made.tenant, dataset.Spec{Name: made.name, Kind: dataset.Events}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Delete(t.Context(), "b", "web"); err != nil {
		t.Fatal(err)
	}
	all, _, err := c.Tenants(t.Context(), "")
	if diff := cmp.Diff([]tenant.ID{"a", "b"}, all); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// overtaken is a table on which somebody does something before each commit.
type overtaken struct {
	table.Table
	before func()
}

func (o overtaken) Commit(ctx context.Context, writes ...table.Write) error {
	o.before()
	return o.Table.Commit(ctx, writes...)
}

func TestADatasetThatTookTheNameMeanwhileIsNotDeleted(t *testing.T) {
	c := catalog()
	spec := dataset.Spec{Name: "web", Kind: dataset.Events}
	if _, err := c.Create(t.Context(), "main", spec); err != nil {
		t.Fatal(err)
	}
	var second dataset.Dataset
	slow := dataset.Catalog{Now: c.Now, Table: overtaken{c.Table, func() {
		if _, err := c.Delete(t.Context(), "main", "web"); err != nil {
			t.Fatal(err)
		}
		var err error
		if second, err = c.Create(t.Context(), "main", spec); err != nil {
			t.Fatal(err)
		}
	}}}
	if _, err := slow.Delete(t.Context(), "main", "web"); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want Conflict", err)
	}
	if got, err := c.ByID(t.Context(), "main", second.ID); err != nil || got.ID != second.ID {
		t.Errorf("the second one: %v, %v", got.ID, err)
	}
}

func TestListPagesInOrder(t *testing.T) {
	c := catalog()
	for i := range 25 {
		if _, err := c.Create(t.Context(), "main", dataset.Spec{Name: dataset.Name(fmt.Sprintf("d%02d", 24-i)), Kind: dataset.Table}); err != nil {
			t.Fatal(err)
		}
	}
	var names []dataset.Name
	for next := ""; ; {
		page, more, err := c.List(t.Context(), "main", next, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			names = append(names, d.Name)
		}
		if next = more; next == "" {
			break
		}
	}
	for i, n := range names {
		if want := dataset.Name(fmt.Sprintf("d%02d", i)); n != want {
			t.Errorf("place %d is %s, want %s", i, n, want)
		}
	}
	if len(names) != 25 {
		t.Errorf("%d names, want 25", len(names))
	}
}

func TestWidenIsTheJoinOfTheTypes(t *testing.T) {
	types := []dataset.Type{dataset.Bool, dataset.Int, dataset.Float, dataset.Text, dataset.Time, dataset.JSON}
	for _, a := range types {
		for _, b := range types {
			ab := dataset.Widen(a, b)
			if ab != dataset.Widen(b, a) {
				t.Errorf("%s and %s widen to different types by order", a, b)
			}
			if dataset.Widen(ab, a) != ab || dataset.Widen(ab, b) != ab {
				t.Errorf("%s does not hold both %s and %s", ab, a, b)
			}
			for _, c := range types {
				if x, y := dataset.Widen(ab, c), dataset.Widen(a, dataset.Widen(b, c)); x != y {
					t.Errorf("%s, %s and %s widen to %s or %s by order", a, b, c, x, y)
				}
			}
		}
	}
}

func TestOnlyIntsThatSurviveAreExactFloats(t *testing.T) {
	for i, want := range map[int64]bool{0: true, 1 << 53: true, 1<<53 + 1: false, 1<<63 - 1: false, -1 << 63: true, -(1<<53 + 1): false} {
		if got := dataset.ExactFloat(i); got != want {
			t.Errorf("%d: %v, want %v", i, got, want)
		}
	}
}

func TestTheCacheMakesADatasetOnFirstUse(t *testing.T) {
	c := dataset.Cache{Catalog: catalog(), MaxAge: time.Second}
	made, err := c.GetOrCreate(t.Context(), "main", "events")
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.GetOrCreate(t.Context(), "main", "events")
	if err != nil || made.ID != again.ID {
		t.Errorf("got %v, %v, want the one that was made", again.ID, err)
	}
}
