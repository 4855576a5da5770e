package partial

import (
	"reflect"
	"testing"

	"github.com/tarnhq/tarn/shared/query"
)

var someUnits = []unit{
	{segments: []string{"a", "b"}, last: 20_000, rows: [][]query.Value{
		{query.TextValue("x"), query.IntValue(-1), query.FloatValue(0.5), query.TimeValue(7), query.BoolValue(true), {}},
		{{}, {}, {}, {}, {}, query.TextValue("")},
	}},
	{last: -3},
}

func TestUnitsComeBackAsTheyWereStored(t *testing.T) {
	got, err := decode(encode(someUnits))
	if err != nil || !reflect.DeepEqual(got, someUnits) {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzUnits(f *testing.F) {
	f.Add(encode(someUnits))
	f.Add(encode(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		units, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(encode(units))
		if err != nil || !reflect.DeepEqual(units, again) {
			t.Errorf("%v come back as %v, %v", units, again, err)
		}
	})
}
