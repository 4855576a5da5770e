package eventtest

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// Object draws an object as encoding/json reads one, with some of the given names.
func Object(names ...string) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom(names), value(2), 0, len(names))
}

func value(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Map(rapid.Int32(), func(n int32) any { return float64(n) }),
		rapid.Map(rapid.Int16(), func(n int16) any { return float64(n) / 8 }), rapid.StringN(0, 5, -1).Filter(storable).AsAny(),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 2), func(all []any) any { return all }),
			rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z "]{0,2}`), value(depth-1), 0, 2), func(all map[string]any) any { return all }))
	}
	return rapid.OneOf(kinds...)
}

func storable(s string) bool {
	for _, r := range s {
		if r == 0 {
			return false
		}
	}
	return true
}

// JSON writes an object as a sender does.
func JSON(t testing.TB, object any) []byte {
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
