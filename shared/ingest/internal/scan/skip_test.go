package scan

import (
	"encoding/json"
	"testing"
)

// FuzzSkip checks the claim that the framing of an array rests on: Skip ends where
// valid JSON ends, and moves on whatever it finds.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,"]}\"",null]}`, `"x`, `[[{}]`, `{"a":1]`, `tru,`, `"\`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Reader
		r.Reset(text)
		if !r.Space() {
			return
		}
		start := r.Pos
		ok := r.Skip()
		if r.Pos > len(text) || ok && r.Pos == start {
			t.Fatalf("Skip of %q went from %d to %d", text, start, r.Pos)
		}
		if json.Valid(text) && (!ok || r.Space()) {
			t.Errorf("Skip of %q ended at %d", text, r.Pos)
		}
		r.Lookup(start, "a")
	})
}

func TestLookupReadsOnlyTheObjectsOwnKeys(t *testing.T) {
	cases := map[string]string{
		`{"a":1}`:                         "1",
		`{ "x" : {"a":2} , "a" : 1 }`:     "1",
		`{"x":"a","\u0061":1}`:            "1",
		`{"x":NaN,"y":[1,],"a":1,"a":2}`:  "1",
		"{\"\xff\":0,\"\x01\":0,\"a\":1}": "1",
		`{"x":{"a":2}}`:                   "",
		`["a",1]`:                         "",
		`{"x" "a":1}`:                     "",
		`{"x":1`:                          "",
		`{"x":"unended, "a":1}`:           "",
	}
	for text, want := range cases {
		var r Reader
		r.Reset([]byte(text))
		got := ""
		if r.Lookup(0, "a") {
			start := r.Pos
			r.Skip()
			got = text[start:r.Pos]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
