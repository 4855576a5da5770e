package ingest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

func decode(t *testing.T, body string) []events.Event {
	t.Helper()
	got, err := newDecoder().Decode([]byte(body), arrivedAt)
	if err != nil {
		t.Fatalf("Decode(%.200q): %v", body, err)
	}
	return got
}

func newDecoder() *Decoder {
	n := uint64(0)
	return &Decoder{Rand: func() uint64 { n++; return n }}
}

func TestAnEventIsReadFieldByField(t *testing.T) {
	got := decode(t, `[{"event_id":"e1","event":"page_viewed","time":"2026-01-02T03:04:05Z",
		"user_id":"u1","anonymous_id":"a1","session_id":"s1","properties":{"url":"/","revenue":1.5}}]`)
	want := []events.Event{{
		ID: "e1", Name: "page_viewed", Time: 1767323045000000, UserID: "u1", AnonymousID: "a1", SessionID: "s1",
		Shape:  &events.Shape{Names: []string{"url", "revenue"}},
		Values: []events.Value{{Kind: events.Text, Text: "/"}, {Kind: events.Float, Float: 1.5}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotSentIsMade(t *testing.T) {
	got := decode(t, `{"event":"a","user_id":null,"properties":null,"time":null,"event_id":null}`)
	want := []events.Event{{
		ID: "019b7ca9-8c88-7001-8000-000000000002", MadeID: true, Name: "a", Time: arrivedAt, MadeTime: true,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func nest(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func manyProperties(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"p%d":1`, i)
	}
	return `{"event":"a","properties":{` + strings.TrimPrefix(b.String(), ",") + `}}`
}

// fates says of each event what becomes of it; no code means that it is accepted.
var fates = map[string]struct{ event, code string }{
	"the least that an event can be":         {`{"event":"a"}`, ""},
	"an empty id is none":                    {`{"event":"a","event_id":""}`, ""},
	"an id as long as is allowed":            {`{"event":"a","event_id":"` + strings.Repeat("x", 256) + `"}`, ""},
	"too long an id":                         {`{"event":"a","event_id":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"too long a name":                        {`{"event":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"too long a user id":                     {`{"event":"a","user_id":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"too long a property name":               {`{"event":"a","properties":{"` + strings.Repeat("x", 257) + `":1}}`, "name_too_long"},
	"no name":                                {`{"event_id":"e"}`, "no_event_name"},
	"an empty name":                          {`{"event":""}`, "no_event_name"},
	"a name that is null":                    {`{"event":null}`, "no_event_name"},
	"a name that is a number":                {`{"event":1}`, "wrong_type"},
	"an id that is a number":                 {`{"event":"a","event_id":1}`, "wrong_type"},
	"a user id that is an object":            {`{"event":"a","user_id":{}}`, "wrong_type"},
	"a time that is a number":                {`{"event":"a","time":1767323045}`, "wrong_type"},
	"properties that are an array":           {`{"event":"a","properties":[]}`, "wrong_type"},
	"properties that are text":               {`{"event":"a","properties":"x"}`, "wrong_type"},
	"no properties":                          {`{"event":"a","properties":{}}`, ""},
	"an unknown key":                         {`{"event":"a","url":"/"}`, "unknown_field"},
	"a key of other case":                    {`{"Event":"a"}`, "unknown_field"},
	"a key in escapes":                       {`{"\u0065vent":"a"}`, ""},
	"the same key twice":                     {`{"event":"a","event":"a"}`, "duplicate_key"},
	"the same key twice, once in escapes":    {`{"event":"a","ev\u0065nt":"a"}`, "duplicate_key"},
	"the same property twice":                {`{"event":"a","properties":{"x":1,"x":1}}`, "duplicate_key"},
	"the same property twice among many":     {strings.Replace(manyProperties(40), `"p39"`, `"p3"`, 1), "duplicate_key"},
	"the same key twice deeper down":         {`{"event":"a","properties":{"x":{"y":1,"y":1}}}`, ""},
	"a property with an empty name":          {`{"event":"a","properties":{"":1}}`, ""},
	"as many properties as are allowed":      {manyProperties(1000), ""},
	"too many properties":                    {manyProperties(1001), "too_many_properties"},
	"invalid UTF-8 in a name":                {"{\"event\":\"a\xff\"}", "invalid_utf8"},
	"invalid UTF-8 in a property":            {"{\"event\":\"a\",\"properties\":{\"x\":\"\xc3\"}}", "invalid_utf8"},
	"invalid UTF-8 in a property's name":     {"{\"event\":\"a\",\"properties\":{\"\xc3\":1}}", "invalid_utf8"},
	"invalid UTF-8 deep down":                {"{\"event\":\"a\",\"properties\":{\"x\":[\"\xed\xa0\x80\"]}}", "invalid_utf8"},
	"invalid UTF-8 beside an escape":         {"{\"event\":\"a\\n\xff\"}", "invalid_utf8"},
	"any valid UTF-8":                        {`{"event":"zürich 漢字 🎈"}`, ""},
	"NUL in escapes":                         {`{"event":"a\u0000"}`, "nul_in_text"},
	"NUL as it is":                           {"{\"event\":\"a\x00\"}", "nul_in_text"},
	"NUL in a property":                      {`{"event":"a","properties":{"x":["\u0000"]}}`, "nul_in_text"},
	"NUL between tokens":                     {"{\"event\":\"a\"\x00}", "bad_json"},
	"another control character":              {"{\"event\":\"a\x01\"}", "control_character"},
	"an escaped control character":           {`{"event":"a\u0001\b\f\n\r\t\/\\\""}`, ""},
	"an unknown escape":                      {`{"event":"\x"}`, "bad_escape"},
	"a short escape":                         {`{"event":"\u12"}`, "bad_escape"},
	"half of a surrogate pair":               {`{"event":"\ud83d"}`, "lone_surrogate"},
	"the other half":                         {`{"event":"\ude00"}`, "lone_surrogate"},
	"halves in the wrong order":              {`{"event":"\ude00\ud83d"}`, "lone_surrogate"},
	"half a pair, then text":                 {`{"event":"\ud83dabcdef"}`, "lone_surrogate"},
	"half a pair deep down":                  {`{"event":"a","properties":{"x":{"\ud83d":1}}}`, "lone_surrogate"},
	"a surrogate pair":                       {`{"event":"\ud83d\ude00"}`, ""},
	"nesting as deep as is allowed":          {`{"event":"a","properties":{"x":` + nest(62) + `}}`, ""},
	"too deep nesting":                       {`{"event":"a","properties":{"x":` + nest(63) + `}}`, "too_deep"},
	"much too deep nesting":                  {`{"event":"a","properties":{"x":` + nest(10_000) + `}}`, "too_deep"},
	"too deep nesting where none is due":     {`{"event":` + nest(10_000) + `}`, "wrong_type"},
	"a float that is too large":              {`{"event":"a","properties":{"x":1e400}}`, "number_out_of_range"},
	"a float that is too large and negative": {`{"event":"a","properties":{"x":-1e309}}`, "number_out_of_range"},
	"a float that is too small":              {`{"event":"a","properties":{"x":1e-400}}`, "number_out_of_range"},
	"a zero of any exponent":                 {`{"event":"a","properties":{"x":0e400}}`, ""},
	"an exponent of many digits":             {`{"event":"a","properties":{"x":1e99999999999999999999}}`, "number_out_of_range"},
	"a whole number of any length":           {`{"event":"a","properties":{"x":` + strings.Repeat("9", 999) + `}}`, ""},
	"a number with a leading zero":           {`{"event":"a","properties":{"x":01}}`, "bad_json"},
	"a number with a plus":                   {`{"event":"a","properties":{"x":+1}}`, "bad_json"},
	"a number that ends in a dot":            {`{"event":"a","properties":{"x":1.}}`, "bad_json"},
	"a number without digits":                {`{"event":"a","properties":{"x":-}}`, "bad_json"},
	"an exponent without digits":             {`{"event":"a","properties":{"x":1e}}`, "bad_json"},
	"a hexadecimal number":                   {`{"event":"a","properties":{"x":0x10}}`, "bad_json"},
	"NaN, as Python writes it":               {`{"event":"a","properties":{"x":NaN}}`, "bad_json"},
	"a bad number deep down":                 {`{"event":"a","properties":{"x":[01]}}`, "bad_json"},
	"a misspelt literal":                     {`{"event":"a","properties":{"x":tru}}`, "bad_json"},
	"a literal and more":                     {`{"event":"a","properties":{"x":truest}}`, "bad_json"},
	"a comma too many in an object":          {`{"event":"a",}`, "bad_json"},
	"a comma too many in properties":         {`{"event":"a","properties":{"x":1,}}`, "bad_json"},
	"a comma too many deep down":             {`{"event":"a","properties":{"x":[1,]}}`, "bad_json"},
	"a comma missing":                        {`{"event":"a" "user_id":"u"}`, "bad_json"},
	"a colon missing":                        {`{"event" "a"}`, "bad_json"},
	"a value missing":                        {`{"event":}`, "bad_json"},
	"a key without quotes":                   {`{event:"a"}`, "bad_json"},
	"single quotes":                          {`{'event':'a'}`, "bad_json"},
	"a number":                               {`1`, "not_an_object"},
	"text":                                   {`"a"`, "not_an_object"},
	"null":                                   {`null`, "not_an_object"},
	"an array":                               {`[{"event":"a"}]`, "not_an_object"},
	"an event as large as is allowed":        {sized(events.MaxEvent), ""},
	"too large an event":                     {sized(events.MaxEvent + 1), "too_large"},
	"whitespace everywhere":                  {" {\t\"event\" :\r\"a\" , \"properties\" : { \"x\" : [ 1 , 2 ] } } ", ""},
	"a time with microseconds and an offset": {`{"event":"a","time":"2026-01-02T03:04:05.123456+05:45"}`, ""},
	"a time without offset":                  {`{"event":"a","time":"2026-01-02T03:04:05"}`, "bad_time"},
	"an empty time":                          {`{"event":"a","time":""}`, "bad_time"},
	"a date":                                 {`{"event":"a","time":"2026-01-02"}`, "bad_time"},
	"a long text for a time":                 {`{"event":"a","time":"` + strings.Repeat("2", 100) + `"}`, "bad_time"},
	"the year 0":                             {`{"event":"a","time":"0000-01-01T00:00:00Z"}`, "time_out_of_range"},
	"the year 9999":                          {`{"event":"a","time":"9999-12-31T23:59:59Z"}`, "time_out_of_range"},
	"the first time":                         {`{"event":"a","time":"1900-01-01T00:00:00Z"}`, ""},
	"a moment before the first time":         {`{"event":"a","time":"1899-12-31T23:59:59.999999Z"}`, "time_out_of_range"},
	"a moment before, by the offset":         {`{"event":"a","time":"1900-01-01T00:00:00+00:01"}`, "time_out_of_range"},
	"the last time":                          {`{"event":"a","time":"2199-12-31T23:59:59.999999Z"}`, ""},
	"a moment after the last time":           {`{"event":"a","time":"2200-01-01T00:00:00Z"}`, "time_out_of_range"},
}

func sized(n int) string {
	const around = len(`{"event":"a","properties":{"x":""}}`)
	return `{"event":"a","properties":{"x":"` + strings.Repeat("x", n-around) + `"}}`
}

func TestEachEventHasItsFate(t *testing.T) {
	d := newDecoder() // one for all: what one event teaches must not harm the next
	for name, c := range fates {
		t.Run(name, func(t *testing.T) {
			body := `[{"event":"before"},` + c.event + `,{"event":"after","properties":{"x":1}}]`
			got, err := d.Decode([]byte(body), arrivedAt)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 || got[0].Name != "before" || got[2].Name != "after" || got[0].Refused.Code+got[2].Refused.Code != "" {
				t.Fatalf("its neighbours are not untouched: %+v", got)
			}
			ev := got[1]
			if ev.Refused.Code != c.code {
				t.Fatalf("refused %q, want %q", ev.Refused, c.code)
			}
			if ev.ID == "" {
				t.Error("it has no id")
			}
			if want := strings.TrimSpace(c.event); c.code != "" && (ev.Refused.Reason == "" || string(ev.Raw) != want[:min(len(want), events.MaxEvent)]) {
				t.Errorf("refused without a reason, or with other text: %q", ev.Raw)
			}
		})
	}
}

func TestARefusedEventKeepsItsIDAndName(t *testing.T) {
	for _, event := range []string{
		`{"url":"/","event_id":"e1","event":"a"}`,
		`{"properties":{"x":NaN,"event_id":"no"},"event_id":"e1","event":"a"}`,
		`{"time":"yesterday","event_id":"e1","user_id":"\ud83d","event":"a"}`,
		`{"event_id":"e1","event":"a","event_id":"e2"}`,
	} {
		got := decode(t, "["+event+"]")[0]
		if got.ID != "e1" || got.MadeID || got.Name != "a" || got.Refused.Code == "" {
			t.Errorf("%s: %+v", event, got)
		}
	}
}

func TestReasonsNameTheField(t *testing.T) {
	cases := map[string]string{
		`{"event":"a","url":"/"}`:                                 `"url" is no field of an event: put it into "properties"`,
		`{"event":"a","properties":{"price":1e400}}`:              "properties: price: the number does not fit a 64-bit float: send it as text",
		`{"event":"a","user_id":7}`:                               "user_id: it must be text",
		`{"event":"a","time":"now"}`:                              "time: not an RFC 3339 time such as 2026-01-02T03:04:05Z",
		`{"event":"a","properties":{"a":1,"b":2,"a":3}}`:          "properties: a: the key is there twice",
		`{"event":"a","properties":{"a":1,"b":"` + "\xff" + `"}}`: "properties: b: text must be UTF-8",
	}
	for event, want := range cases {
		if got := decode(t, "["+event+"]")[0].Refused.Reason; got != want {
			t.Errorf("%s: %q, want %q", event, got, want)
		}
	}
}

func TestValues(t *testing.T) {
	cases := map[string]events.Value{
		`null`:                               {},
		`true`:                               {Kind: events.Bool, Int: 1},
		`false`:                              {Kind: events.Bool},
		`0`:                                  {Kind: events.Int},
		`-7`:                                 {Kind: events.Int, Int: -7},
		`-0`:                                 {Kind: events.Float, Float: math.Copysign(0, -1)},
		`0.0`:                                {Kind: events.Float},
		`1e2`:                                {Kind: events.Float, Float: 100},
		`1.5E-3`:                             {Kind: events.Float, Float: 0.0015},
		`0.1`:                                {Kind: events.Float, Float: 0.1},
		`123456789012345.678e-5`:             {Kind: events.Float, Float: 123456789012345.678e-5},
		`1.7976931348623157e308`:             {Kind: events.Float, Float: math.MaxFloat64},
		`5e-324`:                             {Kind: events.Float, Float: math.SmallestNonzeroFloat64},
		`999999999999999999`:                 {Kind: events.Int, Int: 999999999999999999},
		`9223372036854775807`:                {Kind: events.Int, Int: math.MaxInt64},
		`-9223372036854775808`:               {Kind: events.Int, Int: math.MinInt64},
		`9223372036854775808`:                {Kind: events.Big, Text: "9223372036854775808"},
		`-9223372036854775809`:               {Kind: events.Big, Text: "-9223372036854775809"},
		`100000000000000000000000000000`:     {Kind: events.Big, Text: "100000000000000000000000000000"},
		`"a\u00fc\ud83d\ude00\n"`:            {Kind: events.Text, Text: "aü😀\n"},
		`[]`:                                 {Kind: events.JSON, Text: "[]"},
		"{ \"a b\" : [ 1 ,\n\"x\\\" y\" ] }": {Kind: events.JSON, Text: `{"a b":[1,"x\" y"]}`},
		`{"a":[1e999,-0]}`:                   {Kind: events.JSON, Text: `{"a":[1e999,-0]}`},
	}
	for text, want := range cases {
		ev := decode(t, `[{"event":"a","properties":{"x":`+text+`}}]`)[0]
		if ev.Refused.Code != "" {
			t.Errorf("%s: %v", text, ev.Refused)
			continue
		}
		if diff := cmp.Diff(want, ev.Values[0]); diff != "" || math.Signbit(want.Float) != math.Signbit(ev.Values[0].Float) {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestShapesAreShared(t *testing.T) {
	d := newDecoder()
	shapes := func(body string) (out []*events.Shape) {
		got, err := d.Decode([]byte(body), arrivedAt)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range got {
			out = append(out, ev.Shape)
		}
		return out
	}
	first := shapes(`[{"event":"a","properties":{"x":1,"y":2}},{"event":"a","properties":{"y":1,"x":2}},{"event":"a","properties":{"x":1}},{"event":"a","properties":{"x":3,"\u0079":2}}]`)
	second := shapes("{\"event\":\"b\",\"properties\":{\"x\" : 1,\n\"y\":2}}")
	if first[0] != second[0] || first[0] != first[3] {
		t.Error("the same names are different shapes")
	}
	if first[0] == first[1] || first[0] == first[2] {
		t.Error("different names are the same shape")
	}
}

func TestSendersOfEverNewNamesCostNoMemoryForEver(t *testing.T) {
	d := newDecoder()
	for i := range 30_000 {
		body := fmt.Sprintf(`{"event":"a","properties":{"n%d":1}}`, i)
		if got, err := d.Decode([]byte(body), arrivedAt); err != nil || got[0].Shape.Names[0] != fmt.Sprintf("n%d", i) {
			t.Fatal(err, got)
		}
	}
}

func TestBodies(t *testing.T) {
	cases := map[string]struct {
		body  string
		fates []string // codes; "" is accepted
	}{
		"an empty array":                          {`[]`, nil},
		"an empty array with space":               {" [ ]\n", nil},
		"one object":                              {`{"event":"a"}`, []string{""}},
		"one object on several lines":             {"{\n \"event\": \"a\",\n \"properties\": {\n \"x\": 1 }\n}\n", []string{""}},
		"one bad object on several lines":         {"{\n \"event\": \"a\",\n \"x\": {\n \"x\": 1 }\n}\n", []string{"unknown_field"}},
		"objects, one a line":                     {"{\"event\":\"a\"}\n{\"event\":\"b\"}", []string{"", ""}},
		"lines that end in CR LF, and empty ones": {"{\"event\":\"a\"}\r\n\r\n \n{\"event\":\"b\"}\r\n", []string{"", ""}},
		"a line that is cut":                      {"{\"event\":\"a\"}\n{\"event\":\"b\n{\"event\":\"c\"}\n", []string{"", "bad_json", ""}},
		"a cut line first":                        {"{\"event\":\"a\n{\"event\":\"b\"}", []string{"bad_json", ""}},
		"a line that is no JSON":                  {"hello\n{\"event\":\"b\"}", []string{"not_an_object", ""}},
		"two objects on a line":                   {"{\"event\":\"a\"}{\"event\":\"b\"}\n{\"event\":\"c\"}", []string{"bad_json", ""}},
		"a byte order mark":                       {"\xef\xbb\xbf[{\"event\":\"a\"}]", []string{""}},
		"an array on several lines":               {"[\n{\"event\":\"a\"},\n{\"event\":\"b\"}\n]\n", []string{"", ""}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var codes []string
			for _, ev := range decode(t, c.body) {
				codes = append(codes, ev.Refused.Code)
			}
			if diff := cmp.Diff(c.fates, codes, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBrokenFramingRefusesTheWholeBodyAndSaysWhere(t *testing.T) {
	cases := map[string]struct{ body, code, where string }{
		"nothing":                     {"", "empty_body", ""},
		"whitespace":                  {" \n ", "empty_body", ""},
		"a NUL":                       {"\x00", "bad_json", "byte 0, in line 1"},
		"an array that does not end":  {`[{"event":"a"}`, "bad_json", "byte 14, in line 1"},
		"an event that does not end":  {"[{\"event\":\"a\"},\n{\"event\":\"b\"", "bad_json", "byte 28, in line 2"},
		"a string that does not end":  {`[{"event":"a},{"event":"b"}]`, "bad_json", "byte 28"},
		"brackets that do not match":  {`[{"event":"a"],{"event":"b"}]`, "bad_json", "byte 13"},
		"a bracket too many":          {`[{"event":"a"}}]`, "bad_json", "byte 14"},
		"a comma missing":             {`[{"event":"a"} {"event":"b"}]`, "bad_json", "byte 15"},
		"a comma too many":            {`[{"event":"a"},]`, "bad_json", "byte 15"},
		"text after the array":        {`[{"event":"a"}] x`, "bad_json", "byte 16"},
		"ten thousand brackets":       {strings.Repeat("[", 10_000), "bad_json", "byte 10000"},
		"no JSON at all":              {"event=a&user=b", "bad_json", ""},
		"an object that does not end": {`{"event":"a"`, "bad_json", ""},
		"pretty objects in a row":     {"{\n\"event\":\"a\"\n}\n{\n\"event\":\"b\"\n}\n", "bad_json", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := newDecoder().Decode([]byte(c.body), arrivedAt)
			var e *fault.Error
			if !asFault(err, &e) || e.Kind != fault.Invalid || e.Code != c.code || !strings.Contains(e.Message, c.where) || len(got) != 0 {
				t.Errorf("%d events, %v; want fault.Invalid %s at %q", len(got), err, c.code, c.where)
			}
		})
	}
}

func TestMoreEventsThanARequestMayHave(t *testing.T) {
	for name, body := range map[string]string{
		"an array": "[" + strings.Repeat("1,", scan.MaxEvents) + "1]",
		"lines":    strings.Repeat("1\n", scan.MaxEvents+1),
	} {
		if got, err := newDecoder().Decode([]byte(body), arrivedAt); !fault.Is(err, fault.TooLarge) {
			t.Errorf("%s: %d events, %v", name, len(got), err)
		}
	}
}

func TestAnEventWrittenAsJSONReadsBack(t *testing.T) {
	for name, c := range fates {
		want := decode(t, "["+c.event+"]")[0]
		if c.code != "" || want.MadeID {
			continue
		}
		if got := decode(t, string(events.AppendJSON(nil, &want)))[0]; !cmp.Equal(want, got) {
			t.Errorf("%s: %s", name, cmp.Diff(want, got))
		}
	}
	want := decode(t, `{"event_id":"e","event":"a<b","properties":{"a":1.0,"b":-0,"c":1e300,"d":9223372036854775808,"e":{"x":[]},"f":null,"g":true,"h":"\u2028","i":1e20}}`)[0]
	if got := decode(t, string(events.AppendJSON(nil, &want)))[0]; !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
}
