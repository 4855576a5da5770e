package query

import (
	"reflect"
	"testing"
)

var someResult = Result{
	Columns: []Column{{"time", Timestamp}, {"n", Int}},
	Rows:    [][]Value{{TimeValue(1), IntValue(2)}, {{}, TextValue("x")}},
	Version: 7,
	Stats:   Stats{Kept: true, Truncated: true},
}

func TestAKeptAnswerComesBackAsItWas(t *testing.T) {
	got, err := DecodeResult(AppendResult(nil, someResult))
	if err != nil || !reflect.DeepEqual(got, someResult) {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzResult(f *testing.F) {
	f.Add(AppendResult(nil, someResult))
	f.Add(AppendResult(nil, Result{Columns: []Column{{"a", Bool}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeResult(data)
		if err != nil {
			return
		}
		if again, err := DecodeResult(AppendResult(nil, r)); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%+v comes back as %+v, %v", r, again, err)
		}
	})
}
