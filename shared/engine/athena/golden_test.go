package athena

import (
	"errors"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/tests/golden"
)

var goldenSchema = dataset.Schema{Columns: []dataset.Column{
	{Name: "URL", Type: dataset.Text}, {Name: "url", Type: dataset.JSON}, {Name: "revenue", Type: dataset.Float}, {Name: "n", Type: dataset.Int},
	{Name: `q"uote`, Type: dataset.Text}, {Name: "paid", Type: dataset.Bool}, {Name: "new", Type: dataset.Int},
}}

const (
	january  = int64(1767225600_000000)
	february = int64(1769904000_000000)
)

// goldenSegments are of January and February 2026 and of the first days of 1970.
func goldenSegments() []segment.Ref {
	return []segment.Ref{
		{Key: "t/acme/d/web/rows/a", MinTime: january, MaxTime: february - 1, Days: []segment.Day{20454, 20484}},
		{Key: "t/acme/d/web/rows/b", MinTime: january, MaxTime: february, Days: []segment.Day{20454, 20485}},
		{Key: "t/acme/d/web/rows/old", MinTime: 0, MaxTime: 5_000_000, Days: []segment.Day{0}},
	}
}

// goldenTable has files beside them, and columns of types that some had before.
func goldenTable() target {
	t := shown.Table{Snapshot: 4_503_599_627_370_497, Root: "s3://bucket/", Columns: map[int32]string{segment.FieldUUID: "event_uuid"}}
	for place, c := range dataset.Fixed {
		t.Columns[segment.FieldID(place, c.Type)] = c.Name
	}
	for name, types := range map[string][]dataset.Type{"URL": {dataset.Text}, "url": {dataset.Bool, dataset.JSON}, "revenue": {dataset.Int, dataset.Float}, "n": {dataset.Int}, `q"uote`: {dataset.Float, dataset.Text}, "paid": {dataset.Bool}} {
		for i, kind := range types {
			column := segment.PhysicalName(name)
			if i > 0 {
				column += "__" + string(kind)
			}
			t.Columns[segment.FieldID(rows.FirstProperty+goldenSchema.Find(name), kind)] = column
		}
	}
	for _, ref := range goldenSegments() {
		t.Files = append(t.Files, shown.File{Key: ref.Key, MinTime: ref.MinTime, MaxTime: ref.MaxTime})
	}
	t.Files = append(t.Files, shown.File{Key: "t/acme/d/web/rows/merged's", MinTime: january, MaxTime: january}, shown.File{Key: "t/acme/d/web/rows/march", MinTime: 2 * february, MaxTime: 2 * february})
	return target{t, "tarn", "acme_web"}
}

func TestPlansAreTheseStatements(t *testing.T) { golden.Statements(t, statementsFor) }

// statementsFor writes the statements of a request, or why there is none.
func statementsFor(t *testing.T, body []byte) string {
	r, err := query.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	program, err := query.Bind(r, query.Whole(dataset.Events, goldenSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	_, err = program.Run(func(p query.Plan) (query.Result, error) {
		s, err := statementOf(p.(query.AggregatePlan), goldenTable(), goldenSchema, within(goldenSegments(), p.Source().Range))
		all = append(all, s.sql+"\n")
		return query.Result{}, err
	})
	var refused *fault.Error
	switch {
	case errors.As(err, &refused):
		return "-- " + refused.Message + "\n-- " + refused.Hint + "\n"
	case err != nil:
		t.Fatal(err)
	}
	return strings.Join(all, ";\n")
}

func TestFilesThatAreNotWantedAreNamedAsFewAsPossible(t *testing.T) {
	all := goldenSegments()
	for name, c := range map[string]struct {
		wanted []segment.Ref
		want   string
	}{
		"all that lie there": {all[2:], ""},
		"all but one":        {all[:2], ` NOT IN ('s3://bucket/t/acme/d/web/rows/merged''s')`},
		"one of several":     {all[:1], ` IN ('s3://bucket/t/acme/d/web/rows/a')`},
	} {
		_, got, _ := strings.Cut(goldenTable().restricted(c.wanted, query.Unbounded), "\nAND \"$path\"")
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestValuesAreReadAsTheyWereSent(t *testing.T) {
	for _, c := range []struct {
		text string
		as   query.Type
		want string
	}{
		{"9223372036854775808", query.Int, "9223372036854775808"},
		{"-99999999999999999999999999999999999999", query.Int, "-99999999999999999999999999999999999999"},
		{"0", query.Int, "0"},
		{"1.0E10", query.Float, "10000000000"},
		{"4.9E-324", query.Float, "5e-324"},
		{"Infinity", query.Float, "null"},
		{"NaN", query.Float, "null"},
		{"true", query.Bool, "true"},
		{"2026-01-02 03:04:05.000006", query.Timestamp, `"2026-01-02T03:04:05.000006Z"`},
		{"0001-01-01 00:00:00", query.Timestamp, `"0001-01-01T00:00:00Z"`},
		{"", query.Text, `""`},
		{`{"a": 1}`, query.JSON, `"{\"a\": 1}"`},
	} {
		if got, err := valueOf(&c.text, c.as); err != nil || got.String() != c.want {
			t.Errorf("%s %q is %s, %v, want %s", c.as, c.text, got, err, c.want)
		}
	}
	if got, err := valueOf(nil, query.Int); err != nil || !got.IsNull() {
		t.Errorf("null is %s, %v", got, err)
	}
}

func TestFloatsThatCancelEachOtherOutAreRefused(t *testing.T) {
	s := statement{columns: []query.Column{{Name: "n", Type: query.Int}, {Name: "balance", Type: query.Float}}, floats: []int{1}}
	for _, c := range []struct {
		sum, magnitude string
		refused        bool
	}{
		{"1.0", "1.0", false}, {"-1.0", "128.0", false}, {"1.0", "128.5", true}, {"0.0", "6.0", true}, {"0.0", "0.0", false}, {"Infinity", "Infinity", false},
	} {
		n := "1"
		_, err := s.row([]*string{&n, &c.sum, &c.magnitude})
		if fault.Is(err, fault.Invalid) != c.refused {
			t.Errorf("%s of %s: %v", c.sum, c.magnitude, err)
		}
	}
	n := "1"
	if row, err := s.row([]*string{&n, nil, nil}); err != nil || len(row) != 2 || !row[1].IsNull() {
		t.Errorf("of nothing: %v, %v", row, err)
	}
}
