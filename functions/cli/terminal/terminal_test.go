package terminal

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
}

var columns = []Column{{"city", false}, {"visits", true}, {"note", false}}

var cities = [][]string{
	{"Zürich", "1204", "plain"},
	{"東京", "-7", "wide: 二倍幅の文字"},
	{"👩‍👩‍👧 family", "–", "one character of five runes"},
	{"e\u0301te\u0301", "3.25", "letters with accents of their own"},
	{"line\nbreak", "0", "\x1b[31mred\x1b[0m and \u202eturned"},
	{"", "12345678901234567890", ""},
}

func TestTables(t *testing.T) {
	for name, width := range map[string]int{"table-whole": 0, "table-wide": 100, "table-narrow": 40, "table-tiny": 8} {
		t.Run(name, func(t *testing.T) { golden(t, name, Table(columns, cities, width)) })
	}
	t.Run("a table without rows is its head", func(t *testing.T) { golden(t, "table-empty", Table(columns, nil, 80)) })
	t.Run("a table without columns is nothing", func(t *testing.T) {
		if got := Table(nil, nil, 80); got != "" {
			t.Errorf("%q", got)
		}
	})
}

func TestNoTextSteersTheTerminalOrIsWiderThanItsCell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := [][]string{{rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b"), rapid.String().Draw(t, "c")}}
		width := rapid.IntRange(20, 120).Draw(t, "width")
		out := Table(columns, rows, width)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if len(lines) != 3 {
			t.Fatalf("%d lines: %q", len(lines), out)
		}
		for _, line := range lines {
			if w := uniseg.StringWidth(line); w > width {
				t.Fatalf("%q takes %d cells of %d", line, w, width)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r == 0x7f }) || !utf8.ValidString(line) {
				t.Fatalf("%q holds what steers", line)
			}
		}
	})
}

func marks(values ...float64) (out []Mark) {
	for i, v := range values {
		text := "–"
		if !math.IsNaN(v) {
			text = strconv.FormatFloat(v, 'f', -1, 64)
		}
		out = append(out, Mark{Label: "day " + strconv.Itoa(i+1), Text: text, Value: v})
	}
	return out
}

func TestCharts(t *testing.T) {
	none := math.NaN()
	for name, drawn := range map[string]string{
		"bars":               Bars(marks(3, 10, none, 0, 0.01), 60),
		"bars-negative":      Bars(marks(-4, 10, none, -10, 5), 60),
		"bars-all-negative":  Bars(marks(-4, -8), 40),
		"bars-zero":          Bars(marks(0, 0), 40),
		"bars-narrow":        Bars([]Mark{{"東京 is a long name", "12", 12}, {"b", "6", 6}}, 24),
		"line":               Line(marks(1, 4, 9, 16, 25, none, none, 16, 9, 4), 60, 6),
		"line-narrow":        Line(marks(5, -5, 5), 20, 4),
		"line-constant":      Line(marks(7, 7, 7), 40, 4),
		"line-one":           Line(marks(7), 40, 4),
		"line-nothing-there": Line(marks(none, none), 40, 4),
	} {
		t.Run(name, func(t *testing.T) { golden(t, "chart-"+name, drawn) })
	}
}

func TestChartsHoldAnyNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := marks(rapid.SliceOfN(rapid.Float64(), 1, 50).Draw(t, "values")...)
		for i := range all {
			all[i].Text = "x"
		}
		width := rapid.IntRange(1, 200).Draw(t, "width")
		if lines := strings.Count(Bars(all, width), "\n"); lines != len(all) {
			t.Fatalf("%d bars of %d", lines, len(all))
		}
		height := rapid.IntRange(1, 20).Draw(t, "height")
		if lines := strings.Count(Line(all, width, height), "\n"); lines != height+1 {
			t.Fatalf("a line takes %d lines, of %d", lines, height)
		}
	})
}

func TestProgressIsDrawnAsOftenAsEyesSeeAndAtTheEnd(t *testing.T) {
	var out strings.Builder
	now := time.Unix(1000, 0)
	p := &Progress{Out: &out, Width: 40, Now: func() time.Time { return now }}
	p.Show("load", 0.1, "10 rows")
	p.Show("load", 0.2, "20 rows")
	now = now.Add(time.Second)
	p.Show("load", 0.5, "a longer note")
	p.Show("load", 1, "")
	p.Done()
	want := "\rload ██░░░░░░░░░░░░░░░░░░  10%  10 rows" +
		"\rload ███████░░░░░░░  50%  a longer note" +
		"\rload ███████████████████████████ 100%  \n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
}

func TestNothingIsDrawnWhereNothingWas(t *testing.T) {
	var out strings.Builder
	(&Progress{Out: &out, Width: 40, Now: time.Now}).Done()
	if out.Len() > 0 {
		t.Errorf("%q", out.String())
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 5 << 20: "5.0 MiB", 3 << 30: "3.0 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}
