package tabular

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

var update = flag.Bool("update", false, "write the expected outcomes anew")

const ugly = "testdata/ugly"

// expectation is the outcome of a file, as testdata/ugly/*.want.json keep it.
type expectation struct {
	Error    *refusal
	Found    *Options
	Warnings []string
	Columns  []dataset.Column
	Rows     [][]json.RawMessage
	Lines    []int64
	Bad      []PreviewBad
}

// request is what goes with a file, as testdata/ugly/*.given.json hold it.
type request struct {
	Options  Options          `json:"options,omitzero"`
	Declared []dataset.Column `json:"declared,omitempty"`
}

type refusal struct {
	Kind    string `json:"kind"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func refusalOf(err error) *refusal {
	var f *fault.Error
	if !errors.As(err, &f) {
		return &refusal{Kind: fault.Internal.String(), Message: err.Error()}
	}
	return &refusal{f.Kind.String(), f.Code, f.Message, f.Hint}
}

func TestUglyFilesComeToWhatIsExpectedOfEach(t *testing.T) {
	for _, name := range uglyFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var given request
			if text, err := os.ReadFile(name + ".given.json"); err == nil {
				if err := json.Unmarshal(text, &given); err != nil {
					t.Fatal(err)
				}
			}
			checkGolden(t, name+".want.json", outcomeOf(t, data, filepath.Base(name), given))
		})
	}
}

func uglyFiles(t testing.TB) (names []string) {
	t.Helper()
	all, err := filepath.Glob(ugly + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if !strings.HasSuffix(name, ".want.json") && !strings.HasSuffix(name, ".given.json") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatal("there are no files")
	}
	return names
}

func checkGolden(t *testing.T, name string, e expectation) {
	t.Helper()
	got := e.write(t)
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

// write shows an expectation as JSON with a line for each column, row and bad record.
func (e expectation) write(t *testing.T) []byte {
	t.Helper()
	var lines []string
	one := func(name string, v any) {
		lines = append(lines, " "+compact(t, name)+": "+compact(t, v))
	}
	if e.Error != nil {
		one("error", e.Error)
	}
	if e.Found != nil {
		one("found", e.Found)
	}
	many := func(name string, n int, at func(int) any) {
		if n == 0 {
			return
		}
		elements := make([]string, n)
		for i := range elements {
			elements[i] = "\n  " + compact(t, at(i))
		}
		lines = append(lines, " "+compact(t, name)+": ["+strings.Join(elements, ",")+"\n ]")
	}
	many("warnings", len(e.Warnings), func(i int) any { return e.Warnings[i] })
	many("columns", len(e.Columns), func(i int) any { return e.Columns[i] })
	many("rows", len(e.Rows), func(i int) any { return e.Rows[i] })
	if len(e.Lines) > 0 {
		one("lines", e.Lines)
	}
	many("bad", len(e.Bad), func(i int) any { return e.Bad[i] })
	return []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n")
}

func compact(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func outcomeOf(t *testing.T, data []byte, name string, given request) (e expectation) {
	t.Helper()
	src := memory{data: data}
	found, warnings, err := detect(t.Context(), src, name, given.Options)
	if err != nil {
		e.Error = refusalOf(err)
		return e
	}
	e.Found, e.Warnings = &found, warnings
	got, err := readAll(src, found, given.Declared, partLimits)
	if err != nil {
		e.Error = refusalOf(err)
	}
	e.Columns, e.Rows, e.Lines = got.Columns, got.Rows, got.Lines
	for _, row := range e.Rows {
		for i, v := range row {
			if len(v) > 1000 {
				row[i] = json.RawMessage(fmt.Sprintf(`"%d bytes"`, len(v)))
			}
		}
	}
	if len(e.Rows) > 20 {
		e.Rows = e.Rows[:20]
	}
	e.Lines = e.Lines[:min(len(e.Lines), len(e.Rows))]
	for _, b := range got.Bad {
		e.Bad = append(e.Bad, PreviewBad{b.Line, b.Column, b.Code, b.Reason, string(mended(b.Raw[:min(len(b.Raw), 200)]))})
	}
	return e
}
