package segment

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestAMergedSegmentHoldsWhatAnyOtherWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch := drawBatch(t)
		store := &fake.Blobs{}
		plain, err := Write(t.Context(), store, origin, batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		merged, err := WriteMerged(t.Context(), store, origin, batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := NewCache(store, 1<<20).ReadRows(t.Context(), merged)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(shownRows(batch, nil), shownRows(got, nil)); diff != "" {
			t.Fatal(diff)
		}
		if !merged.Merged || plain.Merged || merged.Rows != plain.Rows || merged.MaxReceived != plain.MaxReceived {
			t.Errorf("refs: %+v and %+v", plain, merged)
		}
	})
}

func TestFieldIDsAreOnePerPlaceAndType(t *testing.T) {
	seen := map[int32]bool{}
	for place := range len(dataset.Fixed) + dataset.MaxColumns {
		for _, typ := range fieldTypes {
			id := FieldID(place, typ)
			if seen[id] || id < 1 {
				t.Fatalf("field %d, of place %d and type %s, is another's", id, place, typ)
			}
			seen[id] = true
		}
	}
	if len(fieldTypes) > widthOfPlace {
		t.Error("more types than a place has room for")
	}
}

func TestDuplicatesComeBackAsTheyWereWritten(t *testing.T) {
	var store blob.Store = &fake.Blobs{}
	want := []DuplicateRow{{"a", 3, 4}, {"b", -1, 2}, {"a", 3, 9}}
	ref, err := WriteDuplicates(t.Context(), store, origin, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := NewCache(store, 1<<20).ReadDuplicates(t.Context(), ref)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestWhatIsKnownOfSegmentsIsKnownOfWhatTheyWereMergedTo(t *testing.T) {
	cache := NewCache(&fake.Blobs{}, 1<<20)
	era := func(key string) Era { return cache.learned.of(key) }
	ref := func(key string) Ref { return Ref{Key: key} }
	cache.Learn(ref("a"), 1)
	cache.Learn(ref("b"), 2)
	cache.Inherit([]Ref{ref("ab")}, []Ref{ref("a"), ref("b")})
	cache.Inherit([]Ref{ref("bx")}, []Ref{ref("b"), ref("x")})
	if era("ab") != 1 || era("bx") != 0 {
		t.Errorf("eras %d and %d, want that of the older one, and none where one is strange", era("ab"), era("bx"))
	}
}
