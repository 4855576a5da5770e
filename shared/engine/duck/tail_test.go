package duck

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/snapshot"
)

func openTails(t *testing.T, now func() time.Time) *tails { return openTailsWithin(t, now, 0) }

func openTailsWithin(t *testing.T, now func() time.Time, memory int64) *tails {
	t.Helper()
	files, err := local.New(nil, t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(Config{Files: files, Now: now, Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e.tails
}

func partsOf(n int, ids ...uint64) []snapshot.Part {
	b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
	for i := range n {
		b.Append(&events.Event{ID: "x", Name: "view", Time: int64(i)}, 0)
	}
	var parts []snapshot.Part
	for _, id := range ids {
		parts = append(parts, snapshot.Part{ID: id, Rows: b.View()})
	}
	return parts
}

// read opens the tables of a tail as a query of some columns does, and returns them.
func read(t *testing.T, all *tails, id dataset.ID, tail []snapshot.Part, columns ...string) ([]*table, func()) {
	t.Helper()
	var f fields
	for _, c := range columns {
		f = append(f, query.Field{Name: c, Type: dataset.Text})
	}
	parts, release, err := all.open(t.Context(), id, tail, f)
	if err != nil {
		t.Fatal(err)
	}
	var tables []*table
	for _, p := range parts {
		tables = append(tables, p.table)
	}
	return tables, release
}

func held(all *tails) (names []string) {
	for _, table := range all.tables {
		names = append(names, table.name)
	}
	slices.Sort(names)
	return names
}

func TestATableIsFilledOnceAndGrowsWithItsPart(t *testing.T) {
	all := openTails(t, time.Now)
	first, release := read(t, all, "d", partsOf(3, 1), dataset.ColumnEvent)
	release()
	again, release := read(t, all, "d", partsOf(5, 1), dataset.ColumnEvent)
	release()
	if first[0] != again[0] || again[0].rows != 5 {
		t.Errorf("tables %v and %v", first[0].name, again[0].name)
	}
}

func TestATableThatIsReadStaysWhateverComes(t *testing.T) {
	all := openTails(t, time.Now)
	_, done := read(t, all, "d", partsOf(3, 1), dataset.ColumnEvent)
	_, release := read(t, all, "d", partsOf(3, 1), dataset.ColumnUserID) // needs another column
	release()
	_, release = read(t, all, "d", partsOf(3, 2), dataset.ColumnEvent) // part 1 was sealed
	release()
	if got := held(all); !slices.Equal(got, []string{"tail1", "tail3"}) {
		t.Errorf("holds %v while tail1 is read", got)
	}
	done()
	_, release = read(t, all, "d", partsOf(3, 2), dataset.ColumnEvent)
	release()
	if got := held(all); !slices.Equal(got, []string{"tail3"}) {
		t.Errorf("holds %v when tail1 is not read any more", got)
	}
}

func TestTablesOfADatasetThatNobodyAsksAreDropped(t *testing.T) {
	now := time.Unix(0, 0)
	all := openTails(t, func() time.Time { return now })
	_, release := read(t, all, "d", partsOf(3, 1), dataset.ColumnEvent)
	release()
	now = now.Add(tailIdle)
	_, release = read(t, all, "other", nil)
	release()
	if got := held(all); len(got) != 0 {
		t.Errorf("holds %v", got)
	}
}

// TestTailsOfManyDatasetsGiveWayToTheOneThatIsAsked asks more of them than there is
// memory for.
func TestTailsOfManyDatasetsGiveWayToTheOneThatIsAsked(t *testing.T) {
	all := openTailsWithin(t, func() time.Time { return time.Unix(0, 0) }, 16<<20)
	for i := range 100 {
		tables, release := read(t, all, dataset.ID(fmt.Sprint("d", i)), partsOf(5000, 1), dataset.ColumnEvent)
		if len(tables) != 1 {
			t.Fatalf("dataset %d has %d tables", i, len(tables))
		}
		release()
	}
	if len(all.tables) == 100 {
		t.Error("all tables were kept: the memory was no bound")
	}
}
