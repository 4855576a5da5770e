package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden samples of the current version anew")

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	var d Decoder
	rapid.Check(t, func(t *rapid.T) {
		want := envelope(t)
		encoded := Append([]byte("before"), want)
		got, err := d.Decode(bytes.TrimPrefix(encoded, []byte("before")))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("decoded is not what was encoded (-want +got):\n%s", diff)
		}
	})
}

func TestTheSameNamesAreTheSameShape(t *testing.T) {
	record := func(tenant string, names ...string) []byte {
		e := &Envelope{Tenant: tenant, Events: []Event{{ID: "a", Name: "n", Shape: &Shape{names}, Values: make([]Value, len(names))}}}
		return Append(nil, e)
	}
	var d Decoder
	shape := func(data []byte) *Shape {
		env, err := d.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		clear(data) // a shape must not share memory with the record
		return env.Events[0].Shape
	}
	first := shape(record("t1", "url", "price"))
	if got := shape(record("t2", "url", "price")); got != first {
		t.Error("the same names in another record are another shape")
	}
	if got := shape(record("t1", "price", "url")); got == first {
		t.Error("the same names in another order are the same shape")
	}
	if diff := cmp.Diff([]string{"url", "price"}, first.Names); diff != "" {
		t.Error(diff)
	}
}

func TestNamesOfManyShapesAreForgottenInTime(t *testing.T) {
	var d Decoder
	for i := range 3 * maxInterned {
		e := &Envelope{Events: []Event{{ID: "a", Name: "n", Shape: &Shape{[]string{strings.Repeat("n", 1+i%7), string(rune('A' + i))}}, Values: make([]Value, 2)}}}
		if _, err := d.Decode(Append(nil, e)); err != nil {
			t.Fatal(err)
		}
		if len(d.interned) > maxInterned {
			t.Fatalf("%d shapes are remembered", len(d.interned))
		}
	}
}

func TestMoreNamesAndShapesThanAreLookedBackFor(t *testing.T) {
	want := &Envelope{Tenant: "t", Dataset: "d"}
	var shapes []*Shape
	for i := range 3 * remembered {
		shapes = append(shapes, &Shape{[]string{string(rune('a' + i))}})
	}
	for i := range 9 * remembered {
		want.Events = append(want.Events, Event{ID: "x", Name: string(rune('a' + i%(3*remembered))), Shape: shapes[i%len(shapes)], Values: make([]Value, 1)})
	}
	var d Decoder
	got, err := d.Decode(Append(nil, want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHostileDataIsAnError(t *testing.T) {
	good := Append(nil, sample())
	cut := func(n int) []byte { return good[:n] }
	with := func(at int, b ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], b)
		return out
	}
	cases := map[string]struct {
		data []byte
		want error
	}{
		"nothing":                          {nil, ErrCorrupt},
		"a version only":                   {cut(1), ErrCorrupt},
		"a later version":                  {with(0, Version+1), ErrVersion},
		"version zero":                     {with(0, 0), ErrVersion},
		"an unknown header flag":           {with(1, 0x80), ErrCorrupt},
		"an enrichment of version 1":       {with(1, hasAccount|hasEnrichment), ErrCorrupt},
		"version 2 without an enrichment":  {with(0, Version), ErrCorrupt},
		"a dropped event of no enrichment": {Append(nil, &Envelope{Events: []Event{{ID: "i", Dropped: 1}}}), ErrCorrupt},
		"four billion events":              {with(2, 255, 255, 255, 255), ErrCorrupt},
		"four billion values":              {with(6, 255, 255, 255, 255), ErrCorrupt},
		"one event too few":                {with(2, good[2]-1), ErrCorrupt},
		"one value too many":               {with(6, good[6]+1), ErrCorrupt},
		"a longer text than all":           {with(10, 0x7f), ErrCorrupt},
		"an endless varint":                {with(10, bytes.Repeat([]byte{0xff}, 12)...), ErrCorrupt},
		"a byte too many":                  {append(bytes.Clone(good), 0), ErrCorrupt},
		"an empty id":                      {Append(nil, &Envelope{Events: []Event{{Name: "n"}}}), ErrCorrupt},
		"a name twice": {Append(nil, &Envelope{Events: []Event{{ID: "i", Name: "n",
			Shape: &Shape{[]string{"a", "a"}}, Values: make([]Value, 2)}}}), ErrCorrupt},
		"a value missing": {Append(nil, &Envelope{Events: []Event{{ID: "i", Name: "n",
			Shape: &Shape{[]string{"a", "b"}}, Values: make([]Value, 1)}}}), ErrCorrupt},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var d Decoder
			if env, err := d.Decode(c.data); !errors.Is(err, c.want) {
				t.Errorf("Decode = %+v, %v; want %v", env, err, c.want)
			}
		})
	}
	for n := range good {
		if _, err := new(Decoder).Decode(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are an envelope", n, len(good))
		}
	}
}

// TestGoldenSamplesAreReadForEver reads what earlier versions of the program wrote.
// A new version adds samples; no sample is ever changed.
func TestGoldenSamplesAreReadForEver(t *testing.T) {
	if *update {
		writeGolden(t, "v2-full", enriched())
	}
	paths, _ := filepath.Glob("testdata/*.bin")
	if len(paths) == 0 {
		t.Fatal("there are no samples")
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			record := read(t, path)
			payload, err := Open(record)
			if err != nil {
				t.Fatal(err)
			}
			got, err := new(Decoder).Decode(payload)
			if err != nil {
				t.Fatal(err)
			}
			var want Envelope
			if err := json.Unmarshal(read(t, strings.TrimSuffix(path, ".bin")+".json"), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the record holds other than its JSON says (-want +got):\n%s", diff)
			}
			if !bytes.Equal(Append(nil, got), payload) {
				t.Error("Append writes other bytes for this envelope than it did: that needs a new version")
			}
		})
	}
}

func writeGolden(t *testing.T, name string, e *Envelope) {
	t.Helper()
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{
		name + ".bin":         SealPlain(nil, Append(nil, e)),
		name + "-sealed.bin":  Seal(nil, Append(nil, e)),
		name + ".json":        append(text, '\n'),
		name + "-sealed.json": append(text, '\n'),
	} {
		if err := os.WriteFile(filepath.Join("testdata", path), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzDecode(f *testing.F) {
	f.Add(Append(nil, sample()))
	f.Add(Append(nil, enriched()))
	f.Add(Append(nil, &Envelope{Tenant: "t", Dataset: "d", Producer: 1, Account: 2, Events: []Event{{ID: "i", Name: "n"}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoder
		env, err := d.Decode(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Errorf("neither corrupt nor of another version: %v", err)
			}
			return
		}
		again, err := d.Decode(Append(nil, env))
		if err != nil {
			t.Fatalf("what was decoded and encoded again: %v", err)
		}
		if diff := cmp.Diff(env, again, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" {
			t.Error(diff)
		}
	})
}

// sample has each kind of value and each field of an envelope.
func sample() *Envelope {
	page := &Shape{Names: []string{"url", "price", "count", "new", "none", "tags", "big", "long", "negative"}}
	values := []Value{
		{Kind: Text, Text: "/zürich"}, {Kind: Float, Float: 1.5}, {Kind: Int, Int: 55}, {Kind: Bool, Int: 1}, {},
		{Kind: JSON, Text: `{"a":[1,2]}`}, {Kind: Big, Text: "92233720368547758080"},
		{Kind: Text, Text: strings.Repeat("long ", 40)}, {Kind: Int, Int: math.MinInt64},
	}
	const at = 1767323045000000
	return &Envelope{
		Tenant: "demo", Dataset: "a1b2c3d4e5f6", Bucket: 513, Producer: 0xfeedfacecafebeef, First: 300, Arrived: at, Account: 7,
		Events: []Event{
			{ID: "e1", Name: "page_viewed", Time: at - 1500, UserID: "u1", AnonymousID: "a1", SessionID: "s1", Shape: page, Values: values},
			{ID: "e2", Name: "page_viewed", Time: at, MadeTime: true, Shape: page, Values: values},
			{ID: "e3", MadeID: true, Name: "signed_up", Time: at - 86400e6*365*20, UserID: "u2"},
			{ID: "e4", Name: "empty", Time: at, Shape: &Shape{}},
			{ID: "e5", Time: at, Refused: Refusal{"no_event_name", "the event has no name"}, Raw: []byte(`{"event_id":"e5"}`)},
		},
	}
}

// enriched is sample with what came with version 2.
func enriched() *Envelope {
	e := sample()
	e.Enrichment = 300
	e.Events = append(e.Events, Event{ID: "e6", Time: e.Arrived - 1, Dropped: 20})
	return e
}

func envelope(t *rapid.T) *Envelope {
	text := rapid.StringN(0, 300, 400)
	names := rapid.SliceOfNDistinct(text, 0, 6, rapid.ID[string])
	shapes := []*Shape{nil}
	for range rapid.IntRange(0, 4).Draw(t, "shapes") {
		shapes = append(shapes, &Shape{names.Draw(t, "names")})
	}
	e := &Envelope{
		Tenant: text.Draw(t, "tenant"), Dataset: text.Draw(t, "dataset"), Bucket: rapid.Uint16().Draw(t, "bucket"),
		Producer: Producer(rapid.Uint64().Draw(t, "producer")), First: rapid.Uint64().Draw(t, "first"),
		Arrived: rapid.Int64().Draw(t, "arrived"), Account: Producer(rapid.Uint64Range(0, 2).Draw(t, "account")),
		Enrichment: rapid.Uint32Range(0, 2).Draw(t, "enrichment"),
	}
	for range rapid.IntRange(0, 8).Draw(t, "events") {
		ev := Event{
			ID: "i" + text.Draw(t, "id"), MadeID: rapid.Bool().Draw(t, "made"), Name: rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "name"),
			Time: rapid.Int64().Draw(t, "time"), MadeTime: rapid.Bool().Draw(t, "made"),
			UserID: text.Draw(t, "user"), AnonymousID: text.Draw(t, "anonymous"), SessionID: text.Draw(t, "session"),
			Shape: rapid.SampledFrom(shapes).Draw(t, "shape"),
		}
		if ev.Shape != nil {
			for range ev.Shape.Names {
				ev.Values = append(ev.Values, someValue(t, text))
			}
		}
		if rapid.Bool().Draw(t, "refused") {
			ev.Refused = Refusal{"code", text.Draw(t, "reason")}
			ev.Raw = []byte(text.Draw(t, "raw"))
		}
		if e.Enrichment != 0 {
			ev.Dropped = rapid.Uint16Range(0, 3).Draw(t, "dropped")
		}
		e.Events = append(e.Events, ev)
	}
	return e
}

func someValue(t *rapid.T, text *rapid.Generator[string]) Value {
	v := Value{Kind: Kind(rapid.IntRange(int(Null), int(Big)).Draw(t, "kind"))}
	switch v.Kind {
	case Bool:
		v.Int = rapid.Int64Range(0, 1).Draw(t, "bool")
	case Int:
		v.Int = rapid.Int64().Draw(t, "int")
	case Float:
		v.Float = rapid.Float64().Draw(t, "float")
	case Text, JSON, Big:
		v.Text = text.Draw(t, "text")
	}
	return v
}

func BenchmarkEncode(b *testing.B) {
	e := clicks()
	buf := Append(nil, e)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], e)
	}
	perEvent(b, len(e.Events))
}

func BenchmarkDecode(b *testing.B) {
	e := clicks()
	data := Append(nil, e)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var d Decoder
	for b.Loop() {
		if _, err := d.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b, len(e.Events))
}

func perEvent(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}

func clicks() *Envelope {
	e := &Envelope{Tenant: "demo", Dataset: "a1b2c3d4e5f6", Arrived: 1767323045000000}
	shape := &Shape{[]string{"url", "revenue", "count"}}
	for i := range 1000 {
		e.Events = append(e.Events, Event{
			ID: "018f3c5e-7a1b-7c3d-9e4f-0123456789ab", Name: "page_viewed", Time: e.Arrived - int64(i)*1000, UserID: "u1234567", SessionID: "s1234567",
			Shape: shape, Values: []Value{{Kind: Text, Text: "/products/42"}, {Kind: Float, Float: 1.5}, {Kind: Int, Int: int64(i)}},
		})
	}
	return e
}
