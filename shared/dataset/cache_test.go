package dataset_test

import (
	"context"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

// watched counts the reads of a table, and does something after the next one.
type watched struct {
	table.Table
	reads int
	after func()
}

func (w *watched) Get(ctx context.Context, key table.Key) (table.Item, error) {
	w.reads++
	item, err := w.Table.Get(ctx, key)
	if after := w.after; after != nil {
		w.after = nil
		after()
	}
	return item, err
}

func TestACacheRemembersWhatIsThereForAWhile(t *testing.T) {
	clock := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	tbl := &watched{Table: &fake.Table{}}
	c := &dataset.Cache{Catalog: dataset.Catalog{Table: tbl, Now: func() time.Time { return clock }}, MaxAge: time.Second}
	get := func() (dataset.Dataset, error) { return c.Get(t.Context(), "acme", "web") }
	recreate := func() dataset.ID {
		t.Helper()
		if _, err := c.Catalog.Delete(t.Context(), "acme", "web"); err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		d, err := c.Catalog.Create(t.Context(), "acme", dataset.Spec{Name: "web", Kind: dataset.Events})
		if err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	if _, err := get(); !fault.Is(err, fault.NotFound) {
		t.Fatalf("what is not there: %v", err)
	}
	first := recreate()
	if d, err := get(); err != nil || d.ID != first {
		t.Errorf("absence is remembered: %v", err)
	}
	reads := tbl.reads
	for range 10 {
		if _, err := get(); err != nil {
			t.Fatal(err)
		}
	}
	if tbl.reads != reads {
		t.Errorf("what is remembered was read %d times", tbl.reads-reads)
	}
	second := recreate()
	clock = clock.Add(time.Second)
	if d, _ := get(); d.ID != second {
		t.Error("it is remembered for longer than its age")
	}
	third := recreate()
	c.Forget("acme", "web")
	if d, _ := get(); d.ID != third {
		t.Error("what was forgotten is remembered")
	}
	clock = clock.Add(time.Second)
	var fourth dataset.ID
	tbl.after = func() { fourth = recreate(); c.Forget("acme", "web") } // while the entry is being read
	if d, _ := get(); d.ID != third {
		t.Error("a read that began before the deletion sees what was there")
	}
	if d, _ := get(); d.ID != fourth {
		t.Error("a read that was under way brought back what was forgotten")
	}
}
