package partial

import (
	"reflect"
	"testing"

	"github.com/tarnhq/tarn/shared/engine/trail"
	"github.com/tarnhq/tarn/shared/query"
)

var someUnits = []unit[[][]query.Value]{
	{segments: []string{"a", "b"}, last: 20_000, answer: [][]query.Value{
		{query.TextValue("x"), query.IntValue(-1), query.FloatValue(0.5), query.TimeValue(7), query.BoolValue(true), {}},
		{{}, {}, {}, {}, {}, query.TextValue("")},
	}},
	{last: -3},
}

func someTrails() []unit[trail.Trails] {
	b := trail.NewBuilder(false)
	b.Add("bob", 7, 1, []query.Value{query.TextValue("x"), {}})
	b.Add("bo", -7, 2, []query.Value{{}, query.IntValue(1)})
	b.Add("bob", 7, 1, []query.Value{query.TextValue("x"), {}})
	return []unit[trail.Trails]{{segments: []string{"a"}, last: 3, answer: b.Trails()}, {}}
}

func TestUnitsComeBackAsTheyWereStored(t *testing.T) {
	comeBack(t, groupsForm, someUnits)
	comeBack(t, trailsForm, someTrails())
}

func comeBack[T any](t *testing.T, f form[T], units []unit[T]) {
	got, err := f.decode(f.encode(units))
	if err != nil || !reflect.DeepEqual(got, units) {
		t.Errorf("%v come back as %v, %v", units, got, err)
	}
}

func FuzzUnits(f *testing.F) {
	f.Add(groupsForm.encode(someUnits))
	f.Add(groupsForm.encode(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if units, err := groupsForm.decode(data); err == nil {
			comeBack(t, groupsForm, units)
		}
	})
}

func FuzzTrails(f *testing.F) {
	f.Add(trailsForm.append(nil, someTrails()[0].answer))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, rest, err := trail.Decode(data)
		if err != nil {
			return
		}
		again, _, err := trail.Decode(found.AppendBinary(nil))
		if err != nil || !reflect.DeepEqual(found, again) {
			t.Errorf("%v come back as %v, %v, with %d bytes left", found, again, err, len(rest))
		}
		p := query.FunnelPlan{Steps: make([]*query.Expr, 2), Window: 5}
		if _, _, err := trail.Answer(t.Context(), p, found); err != nil {
			t.Error(err)
		}
	})
}
