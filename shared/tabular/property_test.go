package tabular

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
)

var dialectText = rapid.StringOfN(rapid.RuneFrom([]rune("ab é\"'\\,;|\t\n\r😀0")), 0, 12, -1)

func TestWhatIsWrittenAsCSVComesBackAtAnyPartAndReadSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		comma := rapid.SampledFrom([]rune{',', ';', '\t', '|'}).Draw(t, "delimiter")
		crlf := rapid.Bool().Draw(t, "crlf")
		width := rapid.IntRange(2, 5).Draw(t, "width")
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.Comma, w.UseCRLF = comma, crlf
		table := [][]string{strings.Split("a,b,c,d,e", ",")[:width]}
		for range rapid.IntRange(1, 40).Draw(t, "rows") {
			table = append(table, rapid.SliceOfN(dialectText, width, width).Draw(t, "row"))
		}
		if err := w.WriteAll(table); err != nil {
			t.Fatal(err)
		}
		o := Options{Format: CSV, Delimiter: string(comma), Quote: `"`, Escape: `"`, Newline: "lf", Columns: texts(table[0])}
		yes := true
		o.Header = &yes
		l := limits{rows: rapid.IntRange(1, 50).Draw(t, "part"), bytes: 1 << 20, chunk: rapid.IntRange(1, 100).Draw(t, "chunk")}
		got, err := readAll(memory{file.Bytes(), rapid.IntRange(1, 50).Draw(t, "read")}, o, nil, l)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted(table[1:], crlf), shown(got.Rows)); diff != "" || len(got.Bad) > 0 {
			t.Fatalf("rows of %q (-want +got):\n%s\nbad: %v", file.String(), diff, got.Bad)
		}
	})
}

func texts(names []string) (all []dataset.Column) {
	for _, name := range names {
		all = append(all, dataset.Column{Name: name, Type: dataset.Text})
	}
	return all
}

// wanted is what a table is to come back as. Who writes lines that end in CR LF makes
// every LF such.
func wanted(table [][]string, crlf bool) [][]any {
	all := [][]any{}
	for _, row := range table {
		var values []any
		for _, v := range row {
			if crlf {
				v = strings.ReplaceAll(strings.ReplaceAll(v, "\r", ""), "\n", "\r\n")
			}
			if strings.Trim(v, " ") == "" {
				values = append(values, nil)
			} else {
				values = append(values, v)
			}
		}
		all = append(all, values)
	}
	return all
}

func shown(table [][]json.RawMessage) [][]any {
	all := [][]any{}
	for _, row := range table {
		var values []any
		for _, v := range row {
			var x any
			if err := json.Unmarshal(v, &x); err != nil {
				panic(err)
			}
			values = append(values, x)
		}
		all = append(all, values)
	}
	return all
}

var mixed = rapid.OneOf(
	rapid.SampledFrom([]string{"", "1", "-5", "007", "9007199254740993", "1.5", "-0", "1e-3", "12E4", "true", "2024-01-02", "2024-01-02T03:04:05Z", "x", " 7", "123456789012345678901"}),
	dialectText,
)

func TestTypesAndValuesAreTheSameAtAnyPartSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 4).Draw(t, "width")
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		table := [][]string{strings.Split("a,b,c,d", ",")[:width]}
		for range rapid.IntRange(1, 40).Draw(t, "rows") {
			table = append(table, rapid.SliceOfN(mixed, width, width).Draw(t, "row"))
		}
		if err := w.WriteAll(table); err != nil {
			t.Fatal(err)
		}
		declared := []dataset.Column{{Name: "b", Type: rapid.SampledFrom([]dataset.Type{dataset.Int, dataset.Float, dataset.Time, dataset.Bool}).Draw(t, "declared"), Declared: true}}
		o := Options{Format: CSV, Delimiter: ",", Quote: `"`, Escape: `"`, Newline: "lf", Decimal: ".", Dates: ISO}
		yes := true
		o.Header = &yes
		whole, err := readAll(memory{data: file.Bytes()}, o, declared, partLimits)
		if err != nil {
			t.Fatal(err)
		}
		if len(whole.Rows)+len(whole.Bad) != len(table)-1 {
			t.Fatalf("%d rows and %d bad of %d", len(whole.Rows), len(whole.Bad), len(table)-1)
		}
		l := limits{rows: rapid.IntRange(1, 20).Draw(t, "part"), bytes: 1 << 20, chunk: rapid.IntRange(1, 100).Draw(t, "chunk")}
		parts, err := readAll(memory{file.Bytes(), 7}, o, declared, l)
		if err != nil {
			t.Fatal(err)
		}
		whole.Parts = parts.Parts
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Fatalf("in parts (-whole +parts):\n%s", diff)
		}
	})
}

func TestDialectsAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		comma := rapid.SampledFrom([]rune{',', ';', '\t', '|'}).Draw(t, "delimiter")
		width := rapid.IntRange(2, 5).Draw(t, "width")
		word := rapid.StringMatching(`[a-z]{1,8}`)
		number := rapid.StringMatching(`[1-9][0-9]{0,5}`)
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.Comma = comma
		table := [][]string{strings.Split("id,name,note,more,rest", ",")[:width]}
		for range rapid.IntRange(3, 40).Draw(t, "rows") {
			row := []string{number.Draw(t, "id")}
			for len(row) < width {
				row = append(row, word.Draw(t, "word")+rapid.SampledFrom([]string{"", " and", string(comma) + "x", `"q"`, "\nline"}).Draw(t, "tail"))
			}
			table = append(table, row)
		}
		if err := w.WriteAll(table); err != nil {
			t.Fatal(err)
		}
		o, err := Detect(t.Context(), memory{data: file.Bytes()}, "", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if o.Format != CSV || o.Delimiter != string(comma) || !*o.Header || o.Encoding != UTF8 {
			t.Fatalf("%+v found of %q", o, file.String())
		}
		got, err := readAll(memory{data: file.Bytes()}, o, nil, partLimits)
		if err != nil || len(got.Bad) > 0 || got.Columns[0].Type != dataset.Int || len(got.Rows) != len(table)-1 {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
