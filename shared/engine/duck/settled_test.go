package duck

import (
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

func TestAConditionIsTestedWhereItIsNotKnownToHold(t *testing.T) {
	country := query.Field{Name: "country", Type: dataset.Text}
	filter := query.Expr{Node: query.NodeEqual, Field: &country, Values: []query.Value{query.TextValue("CH")}}
	plan := query.AggregatePlan{Rows: query.Rows{Range: query.Unbounded, Filter: &filter}, Measures: []query.Aggregand{{Op: query.Count}}}
	tail := []part{{table: &table{name: "tail1"}, columns: dataset.Fixed, rows: 1}}
	all := goldenSegments()
	for claim, c := range map[string]struct {
		known  string // keys of segments
		tail   []part
		tested string // sources
	}{
		"nothing is known":                           {"", tail, "a b c d tail1"},
		"some segments meet it":                      {"ad", nil, "b c"},
		"some segments meet it, and there is a tail": {"ad", tail, "b c tail1"},
		"all segments meet it":                       {"abcd", nil, ""},
		"all segments meet it, and there is a tail":  {"abcd", tail, "tail1"},
	} {
		known := settled{}
		for _, ref := range all {
			known[conjuncts(&filter)[0].of(ref)] = strings.Contains(c.known, ref.Key)
		}
		s := sources{fields: fieldsOf(plan), sealed: prune(all, query.Unbounded), paths: []string{"a", "b", "c", "d"}, tail: c.tail, settled: known}
		written, err := statementOf(plan, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := testedIn(written.sql); got != c.tested {
			t.Errorf("%s: tested of %q, want %q:\n%s", claim, got, c.tested, written.sql)
		}
	}
}

// testedIn lists the sources whose rows a statement compares with CH: the condition stands
// after a scan, or after all of them.
func testedIn(sql string) string {
	var found []string
	union, after, _ := strings.Cut(sql, ") r\nWHERE ")
	for scan := range strings.SplitSeq(union, "UNION ALL") {
		for _, source := range []string{"a", "b", "c", "d", "tail1"} {
			read := strings.Contains(scan, "'"+source+"'") || strings.Contains(scan, "FROM "+source+" ")
			if read && strings.Contains(scan+after, "= 'CH'") {
				found = append(found, source)
			}
		}
	}
	return strings.Join(found, " ")
}
