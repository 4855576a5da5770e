package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
)

func TestColumnsOfAViewHaveNamesThatSQLTellsApart(t *testing.T) {
	for claim, c := range map[string]struct{ columns, names []string }{
		"names that differ stay":                {[]string{"url", "price"}, []string{"url", "price"}},
		"of two cases the first stays":          {[]string{"URL", "url", "Url"}, []string{"URL", "url_1", "Url_2"}},
		"a number that is taken is passed":      {[]string{"URL", "url", "url_1"}, []string{"URL", "url_2", "url_1"}},
		"a NUL is shown":                        {[]string{"a\x00b", "a␀b"}, []string{"a␀b_1", "a␀b"}},
		"what SQL means something by is a name": {[]string{`"; drop`, "select"}, []string{`"; drop`, "select"}},
	} {
		if diff := cmp.Diff(c.names, engine.ViewNames(columnsOf(c.columns))); diff != "" {
			t.Errorf("%s: %s", claim, diff)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringMatching(`[aA]?[bB\x00␀]?(_[12])?`), rapid.ID[string]).Draw(t, "columns")
		taken := map[string]bool{}
		for _, name := range engine.ViewNames(columnsOf(names)) {
			if taken[strings.ToLower(name)] || strings.Contains(name, "\x00") {
				t.Fatalf("%q: %q", names, engine.ViewNames(columnsOf(names)))
			}
			taken[strings.ToLower(name)] = true
		}
	})
}

func columnsOf(names []string) (columns []dataset.Column) {
	for _, name := range names {
		columns = append(columns, dataset.Column{Name: name, Type: dataset.Text})
	}
	return columns
}
