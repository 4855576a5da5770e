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

// TestALookupFindsWhatItsSegmentsHold writes segments whose ids the cache, with more or
// less memory, has met or not, and asks lookups that were made before and after.
func TestALookupFindsWhatItsSegmentsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := &fake.Blobs{}
		cache := NewCache(store, 1<<rapid.IntRange(0, 24).Draw(t, "memory"))
		universe := drawIDs(rapid.Bool().Draw(t, "uuids"), 300)
		var refs []Ref
		var held []map[string]bool
		var lookups []*Lookup
		for range rapid.IntRange(1, 8).Draw(t, "segments") {
			some := rapid.SliceOfNDistinct(rapid.SampledFrom(universe), 1, 100, rapid.ID).Draw(t, "ids")
			ref, err := Write(context.Background(), store, origin, withIDs(some), nil)
			if err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "met") {
				cut := rapid.IntRange(0, len(some)).Draw(t, "cut")
				var first, then Met
				cache.Meet(origin.Dataset, idsOf(some[:cut]), &first)
				cache.Meet(origin.Dataset, idsOf(some[cut:]), &then)
				cache.Learn(ref, first.Now)
			}
			refs, held = append(refs, ref), append(held, setOf(some))
			lookups = append(lookups, cache.Lookup(refs))
		}
		for n, lookup := range lookups {
			found := stored(t, cache, lookup, universe)
			for i, text := range universe {
				want := slices.ContainsFunc(held[:n+1], func(ids map[string]bool) bool { return ids[text] })
				if found[i] != want {
					t.Fatalf("of %d segments: %q is found: %v", n+1, text, found[i])
				}
			}
		}
	})
}

func stored(t interface{ Fatal(...any) }, cache *Cache, l *Lookup, texts []string) []bool {
	ids, found := idsOf(texts), make([]bool, len(texts))
	var met Met
	cache.Meet(origin.Dataset, ids, &met)
	if err := l.Stored(context.Background(), ids, met.May, met.Since, found); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestASegmentWhoseIDsWereMetIsNotReadForNewOnes(t *testing.T) {
	store, cache, ref := metSegment(t, drawIDs(true, 3000))
	lookup := cache.Lookup([]Ref{ref})
	if slices.Contains(stored(t, cache, lookup, drawIDs(true, 20_000)[3000:]), true) {
		t.Error("an id is found that is not there")
	}
	if store.reads != 0 {
		t.Errorf("%d reads of the store", store.reads)
	}
	if slices.Contains(stored(t, cache, lookup, drawIDs(true, 3000)), false) {
		t.Error("an id is not found that is there")
	}
}

// TestWhatAnotherDatasetHoldsIsNotTakenForKnown meets the same ids for two datasets.
func TestWhatAnotherDatasetHoldsIsNotTakenForKnown(t *testing.T) {
	store, cache, ref := metSegment(t, drawIDs(true, 500))
	others := idsOf(drawIDs(true, 1000)[500:])
	cache.Meet(origin.Dataset+"2", others, &Met{})
	if slices.Contains(stored(t, cache, cache.Lookup([]Ref{ref}), drawIDs(true, 1000)[500:]), true) || store.reads != 0 {
		t.Errorf("the ids of the other dataset cost %d reads", store.reads)
	}
}

func metSegment(t *testing.T, ids []string) (*counting, *Cache, Ref) {
	t.Helper()
	store := &counting{Store: &fake.Blobs{}}
	cache := NewCache(store, 1<<24)
	var met Met
	cache.Meet(origin.Dataset, idsOf(ids), &met)
	ref, err := Write(t.Context(), store, origin, withIDs(ids), nil)
	if err != nil {
		t.Fatal(err)
	}
	cache.Learn(ref, met.Now)
	return store, cache, ref
}

func TestWhatIsMetTwiceIsKnownAtOnce(t *testing.T) {
	cache := NewCache(&fake.Blobs{}, 1<<20)
	var met Met
	cache.Meet("d", idsOf([]string{"a", "b", "a"}), &met)
	if want := []bool{false, false, true}; !slices.Equal(met.May, want) {
		t.Errorf("met %v, want %v", met.May, want)
	}
}

func idsOf(texts []string) []ID {
	ids := make([]ID, len(texts))
	for i, text := range texts {
		ids[i] = NewID(text)
	}
	return ids
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
