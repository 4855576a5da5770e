package segment

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestAWrittenSegmentIsNotReadBackForNewIDs(t *testing.T) {
	batch := clicks(3000)
	order := orderOf(batch, nil)
	slices.Reverse(order)
	store, ref := written(t, batch, order)
	cache := NewCache(store, 1<<20)
	cache.Learn(ref, batch, order)
	lookup := cache.Lookup([]Ref{ref})
	if found := stored(t, lookup, absent(20_000)); slices.Contains(found, true) {
		t.Error("an id is found that is not there")
	}
	if store.reads != 0 {
		t.Errorf("%d reads of the store", store.reads)
	}
	var ids []ID
	for row := range batch.Len {
		ids = append(ids, NewID(string(batch.Columns[rows.EventID].Text(row))))
	}
	if slices.Contains(stored(t, lookup, ids), false) {
		t.Error("an id is not found that is there")
	}
}

func stored(t *testing.T, l *Lookup, ids []ID) []bool {
	t.Helper()
	found := make([]bool, len(ids))
	if err := l.Stored(t.Context(), ids, found); err != nil {
		t.Fatal(err)
	}
	return found
}

func absent(n int) []ID {
	ids := make([]ID, n)
	for i := range ids {
		ids[i] = NewID(fmt.Sprintf("%08x-ffff-4000-8000-%012x", i*7919, i))
	}
	return ids
}

// TestALookupFindsWhatItsSegmentsHold writes segments, has the cache learn some of
// them with more or less memory, and asks lookups that were made before and after.
func TestALookupFindsWhatItsSegmentsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := &fake.Blobs{}
		cache := NewCache(store, 1<<rapid.IntRange(0, 20).Draw(t, "memory"))
		universe := drawIDs(rapid.Bool().Draw(t, "uuids"), 300)
		var refs []Ref
		var held []map[string]bool
		var lookups []*Lookup
		for range rapid.IntRange(1, 8).Draw(t, "segments") {
			some := rapid.SliceOfNDistinct(rapid.SampledFrom(universe), 1, 100, rapid.ID).Draw(t, "ids")
			batch := withIDs(some)
			ref, err := Write(context.Background(), store, origin, batch, nil)
			if err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "learned") {
				cache.Learn(ref, batch, nil)
			}
			refs, held = append(refs, ref), append(held, setOf(some))
			lookups = append(lookups, cache.Lookup(refs))
		}
		ids := make([]ID, len(universe))
		for i, text := range universe {
			ids[i] = NewID(text)
		}
		for n, lookup := range lookups {
			found := make([]bool, len(ids))
			if err := lookup.Stored(context.Background(), ids, found); err != nil {
				t.Fatal(err)
			}
			for i, text := range universe {
				want := slices.ContainsFunc(held[:n+1], func(ids map[string]bool) bool { return ids[text] })
				if found[i] != want {
					t.Fatalf("of %d segments: %q is found: %v", n+1, text, found[i])
				}
			}
		}
	})
}

func drawIDs(uuids bool, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint("id-", i)
		if uuids {
			ids[i] = fmt.Sprintf("%08x-ffff-4000-8000-%012x", i*7919, i)
		}
	}
	return ids
}

func withIDs(ids []string) rows.Batch {
	b := rows.NewBuilder(dataset.Schema{}, dataset.Quarantine)
	for i, id := range ids {
		b.Append(&events.Event{ID: id, Name: "x", Time: int64(i)}, int64(i))
	}
	return b.View()
}

func setOf(ids []string) map[string]bool {
	set := map[string]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// TestWhatTwoDatasetsShareIsNotTakenForKnown sends the same ids to two datasets.
func TestWhatTwoDatasetsShareIsNotTakenForKnown(t *testing.T) {
	store := &counting{Store: &fake.Blobs{}}
	cache := NewCache(store, 1<<20)
	ids := drawIDs(true, 1000)
	first, second := origin, origin
	second.Dataset += "2"
	var refs []Ref
	for n, o := range []Origin{first, second} {
		batch := withIDs(ids[500*n : 500*n+500])
		ref, err := Write(t.Context(), store, o, batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		cache.Learn(ref, batch, nil)
		refs = append(refs, ref)
	}
	var others []ID
	for _, text := range ids[500:] {
		others = append(others, NewID(text))
	}
	if slices.Contains(stored(t, cache.Lookup(refs[:1]), others), true) || store.reads != 0 {
		t.Errorf("the ids of the other dataset cost %d reads", store.reads)
	}
}

func TestAHashSetHoldsWhatWasAddedAndFewStrangers(t *testing.T) {
	var s hashSet
	hash := func(i int) uint64 { return NewID(fmt.Sprint(i)).textHash }
	const n = 200_000
	for i := range n {
		s.add(hash(i))
		s.add(hash(i))
	}
	strangers := 0
	for i := range n {
		if !s.has(hash(i)) {
			t.Fatalf("%d is missing", i)
		}
		if s.has(hash(n + i)) {
			strangers++
		}
	}
	if strangers > 0 { // 200,000 questions, each wrong once in 88 million
		t.Errorf("%d strangers are taken for members", strangers)
	}
	if perID := float64(s.memory) / n; perID > 10 {
		t.Errorf("%.1f bytes for each", perID)
	}
}
