package tabular

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	many := 1001
	for claim, o := range map[string]Options{
		"a format that there is not":         {Format: "orc"},
		"a compression that there is not":    {Compression: "lzma"},
		"an encoding that there is not":      {Encoding: "ebcdic"},
		"an order of dates":                  {Dates: "myd"},
		"a decimal separator":                {Decimal: "'"},
		"a letter between fields":            {Delimiter: "x"},
		"a point between fields":             {Delimiter: "."},
		"an end of line between fields":      {Delimiter: "\n"},
		"two characters between fields":      {Delimiter: "::"},
		"half a character between fields":    {Delimiter: "\xa7"},
		"a digit as quote":                   {Quote: "1"},
		"a quote that is the delimiter":      {Quote: "|", Delimiter: "|"},
		"an escape that is neither":          {Escape: "^"},
		"an escape that is the delimiter":    {Escape: `\`, Delimiter: `\`},
		"more lines to skip than may be":     {Skip: &many},
		"a type of column that there is not": {Columns: []dataset.Column{{Name: "a", Type: "decimal"}}},
	} {
		if _, err := Detect(t.Context(), memory{data: []byte("a,b\n1,2\n")}, "", o); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

func TestWhatIsGivenIsNotDetected(t *testing.T) {
	yes, one := true, 1
	given := Options{
		Format: CSV, Compression: Plain, Encoding: Windows1252, Delimiter: ";", Quote: "'", Escape: `\`, Newline: "cr", Skip: &one,
		Header: &yes, Decimal: ",", Dates: MDY, Nulls: []string{"-"},
	}
	got, err := Detect(t.Context(), memory{data: []byte("a,b\n1,2\n")}, "a.json", given)
	check(t, err)
	if diff := cmp.Diff(given, got); diff != "" {
		t.Errorf("options (-given +got):\n%s", diff)
	}
	for name, o := range map[string]Options{"quote": {Quote: "none"}, "escape": {Escape: `\`}, "skip": {Skip: &one}, "delimiter": {Delimiter: "^"}, "nulls": {Nulls: []string{}}, "format": {Format: NDJSON}} {
		got, err := Detect(t.Context(), memory{data: []byte("a,b\n1,2\n")}, "", o)
		check(t, err)
		again, err := json.Marshal(got)
		check(t, err)
		var merged Options
		check(t, json.Unmarshal(again, &merged))
		given, err := json.Marshal(o)
		check(t, err)
		check(t, json.Unmarshal(given, &merged))
		if diff := cmp.Diff(got, merged); diff != "" {
			t.Errorf("%s: (-found +given over it):\n%s", name, diff)
		}
	}
}

func TestDetectionOfWhatWasDetectedChangesNothing(t *testing.T) {
	for _, text := range []string{"a;b\n1,5;2\n", "{\"a\":1}\n{\"a\":2}\n", "[{\"a\":1}]", "a\tb\n1\t2\n", ""} {
		src := memory{data: []byte(text)}
		once, err := Detect(t.Context(), src, "", Options{})
		check(t, err)
		if !once.complete() {
			t.Errorf("of %q something is left to find: %+v", text, once)
		}
		twice, err := Detect(t.Context(), src, "other.json", once)
		check(t, err)
		if diff := cmp.Diff(once, twice); diff != "" {
			t.Errorf("%q (-once +twice):\n%s", text, diff)
		}
	}
}

func TestAPreviewShowsTheFirstRowsAndWhatWasFound(t *testing.T) {
	text := "id,day,note\n1,01/02/2024,a\n2,03/04/2024\n3,05/06/2024,\n"
	declared := []dataset.Column{{Name: "id", Type: dataset.Int, Declared: true}}
	got, err := Look(t.Context(), FromReaderAt(strings.NewReader(text), int64(len(text))), "days.csv", Options{}, 1, declared)
	check(t, err)
	shown, err := json.Marshal(got)
	check(t, err)
	want := `{"options":{"format":"csv","compression":"none","encoding":"utf-8","delimiter":",","quote":"\"","escape":"\"","newline":"lf","skip":0,"header":true,"decimal":".","dates":"iso","nulls":[""]},` +
		`"columns":[{"name":"id","type":"int","declared":true},{"name":"day","type":"text"},{"name":"note","type":"text"}],` +
		`"rows":[[1,"01/02/2024","a"]],` +
		`"bad":[{"line":3,"code":"too_few_fields","reason":"the record has fewer fields than the file has columns","raw":"2,03/04/2024"}],` +
		`"warnings":["dates may begin with the day or the month: they are text; the option dates decides"]}`
	if diff := cmp.Diff(want, string(shown)); diff != "" {
		t.Errorf("preview (-want +got):\n%s", diff)
	}
}

func TestNumberFormatsAreToldApart(t *testing.T) {
	for code, want := range map[string]cellFormat{
		"General": plainFormat, "0.00": plainFormat, "0.00E+00": plainFormat, `#,##0 "days"`: plainFormat, "[Red]0": plainFormat, `0\d`: plainFormat, "@": plainFormat,
		"yyyy-mm-dd": dateFormat, "d. mmmm": dateFormat, "mmm": dateFormat, "[$-409]m/d/yy h:mm AM/PM;@": dateFormat, "DD.MM.YYYY": dateFormat, `[Blue]d`: dateFormat,
		"h:mm": clockFormat, "mm:ss.0": clockFormat, "[h]:mm": plainFormat, "[mm]:ss": plainFormat, `"unclosed d`: plainFormat, "[unclosed d": plainFormat, `0;"d"`: plainFormat,
	} {
		if got := formatOf(code); got != want {
			t.Errorf("%q is %d, want %d", code, got, want)
		}
	}
}
