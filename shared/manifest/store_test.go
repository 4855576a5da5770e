package manifest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/fake"
)

const (
	owner = "main"
	data  = "d1"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func store() manifest.Store {
	clock := func() time.Time { return now }
	return manifest.Store{Table: &fake.Table{Now: clock}, Blobs: &fake.Blobs{Now: clock}, Now: clock}
}

func ref(name string, rows int64) segment.Ref {
	return segment.Ref{Key: segment.Prefix(owner, data) + "rows/mixed/" + name + ".parquet", Kind: segment.Rows, Rows: rows}
}

// add is a change that adds a segment of one row.
func add(name string) manifest.Change {
	return manifest.Change{Commit: name, Add: []segment.Ref{ref(name, 1)},
		Ledger: ledger.Delta{Lines: []ledger.Line{{Account: ledger.Account{Hour: 1, Producer: 7}, Counts: ledger.Counts{Stored: 1}}}}}
}

func commit(t *testing.T, s manifest.Store, st manifest.State, c manifest.Change) manifest.State {
	t.Helper()
	next, err := s.Commit(t.Context(), owner, data, st, c)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func load(t *testing.T, s manifest.Store) manifest.State {
	t.Helper()
	st, err := s.Load(t.Context(), owner, data)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestAReaderFoldsWhatTheCommitterSaw(t *testing.T) {
	s := store()
	var st manifest.State
	for i := range 200 { // over several snapshots of the state
		st = commit(t, s, st, add(fmt.Sprintf("s-1-2-%d", i)))
		if got := load(t, s); i%13 == 0 && cmp.Diff(st, got) != "" {
			t.Fatalf("after %d commits: %s", i+1, cmp.Diff(st, got))
		}
	}
	if st.Version != 200 || st.Visible() != 200 || st.Ledger.Lines[0].Stored != 200 {
		t.Errorf("version %d, %d visible, ledger %v", st.Version, st.Visible(), st.Ledger.Lines)
	}
}

func TestACommitterFollowsOthersWhoWereFaster(t *testing.T) {
	s := store()
	var old manifest.State
	commit(t, s, old, add("a"))
	st := commit(t, s, old, add("b")) // knows nothing of the first
	if st.Version != 2 || st.Visible() != 2 {
		t.Errorf("version %d with %d rows, want both", st.Version, st.Visible())
	}
}

func TestAReaderKeepsItsVersionWhileOthersGoOn(t *testing.T) {
	s := store()
	pinned := commit(t, s, manifest.State{}, add("a"))
	before := fmt.Sprint(pinned)
	later := commit(t, s, pinned, manifest.Change{Commit: "swap", Remove: []string{ref("a", 1).Key}, Add: []segment.Ref{ref("b", 1)}})
	if fmt.Sprint(pinned) != before {
		t.Error("the pinned state changed")
	}
	if later.Segments[0].Key != ref("b", 1).Key || len(later.Segments) != 1 {
		t.Errorf("after the swap: %v", later.Segments)
	}
}

func TestOfTwoSwapsThatRemoveASegmentOneWins(t *testing.T) {
	s := store()
	st := commit(t, s, manifest.State{}, add("a"))
	swap := func(name string) manifest.Change {
		return manifest.Change{Commit: name, Remove: []string{ref("a", 1).Key}, Add: []segment.Ref{ref(name, 1)}}
	}
	commit(t, s, st, swap("x"))
	if _, err := s.Commit(t.Context(), owner, data, st, swap("y")); !fault.Is(err, fault.Conflict) {
		t.Errorf("the second: %v, want Conflict", err)
	}
	if got := load(t, s); got.Visible() != 1 {
		t.Errorf("%d rows, want 1", got.Visible())
	}
}

func move(shard string, from checkpoint.Mark, through string) *manifest.MarkMove {
	return &manifest.MarkMove{Shard: stream.Shard{ID: stream.ShardID(shard)}, From: from,
		To: from.Advance(stream.Sequence(through), shard+through, checkpoint.Seen{})}
}

func TestOfTwoWorkersOnAShardOneAdvancesIt(t *testing.T) {
	s := store()
	first, second := add("s-1-5"), add("s-1-6")
	first.Mark, second.Mark = move("s", checkpoint.Mark{}, "5"), move("s", checkpoint.Mark{}, "6")
	first.Commit, second.Commit = first.Mark.To.Commit, second.Mark.To.Commit
	st := commit(t, s, manifest.State{}, first)
	if _, err := s.Commit(t.Context(), owner, data, manifest.State{}, second); !fault.Is(err, fault.Conflict) {
		t.Errorf("the second: %v, want Conflict", err)
	}
	again := commit(t, s, manifest.State{}, first) // its answer was lost
	if again.Version != st.Version || again.Visible() != 1 || again.Through["s"] != "5" {
		t.Errorf("the same change again: version %d, %d rows, through %s", again.Version, again.Visible(), again.Through["s"])
	}
}

func TestSchemasOfTwoShardsWidenToHoldBoth(t *testing.T) {
	s := store()
	column := func(t dataset.Type) dataset.Schema {
		return dataset.Schema{Version: 1, Columns: []dataset.Column{{Name: "n", Type: t}}}
	}
	a, b := add("a"), add("b")
	a.Schema, b.Schema = column(dataset.Int), column(dataset.Text)
	commit(t, s, manifest.State{}, a)
	st := commit(t, s, manifest.State{}, b)
	if st.Schema.Columns[0].Type != dataset.Text || st.Schema.Version < 2 {
		t.Errorf("schema %+v, want text in a later version", st.Schema)
	}
}

func TestAColumnKeepsItsPlaceInEveryLaterSchema(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var schema dataset.Schema
		for range rapid.IntRange(1, 10).Draw(t, "commits") {
			var other dataset.Schema
			for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), rapid.ID).Draw(t, "columns") {
				c := dataset.Column{Name: name, Type: rapid.SampledFrom([]dataset.Type{dataset.Int, dataset.Float, dataset.Text, dataset.JSON}).Draw(t, "type")}
				c.Declared = rapid.Bool().Draw(t, "declared")
				other.Columns = append(other.Columns, c)
			}
			next := manifest.MergeSchema(schema, other)
			for place, c := range schema.Columns {
				if next.Columns[place].Name != c.Name {
					t.Fatalf("column %q was at %d, where %q is now: field ids would mean another column", c.Name, place, next.Columns[place].Name)
				}
			}
			schema = next
		}
	})
}

func TestALongEntryIsReadBackFromItsBlob(t *testing.T) {
	s := store()
	c := add("a")
	for i := range 4000 {
		c.Schema.Columns = append(c.Schema.Columns, dataset.Column{Name: strings.Repeat("n", 100) + fmt.Sprint(i), Type: dataset.Text})
	}
	st := commit(t, s, manifest.State{}, c)
	if diff := cmp.Diff(st, load(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestSweepDeletesWhatNobodyCanReadOrClaim(t *testing.T) {
	s := store()
	put := func(name string) string {
		key := ref(name, 1).Key
		if err := s.Blobs.Put(t.Context(), key, []byte("x")); err != nil {
			t.Fatal(err)
		}
		return key
	}
	c := add("s-1-5-aa")
	c.Mark = move("s", checkpoint.Mark{}, "5")
	live := put("s-1-5-aa")
	orphan, claimable := put("s-3-5-bb"), put("s-6-9-cc") // a redelivery can still commit what follows the mark
	commit(t, s, manifest.State{}, c)

	s.Now = func() time.Time { return now.Add(time.Minute) }
	if n, err := s.Sweep(t.Context(), owner, data, time.Hour); n != 0 || err != nil {
		t.Errorf("within the grace: %d deleted, %v", n, err)
	}
	s.Now = func() time.Time { return now.Add(2 * time.Hour) }
	if n, err := s.Sweep(t.Context(), owner, data, time.Hour); n != 1 || err != nil {
		t.Errorf("after it: %d deleted, %v, want 1", n, err)
	}
	for key, want := range map[string]bool{live: true, orphan: false, claimable: true} {
		if _, err := s.Blobs.Stat(t.Context(), key); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", key, err == nil, want)
		}
	}
}
