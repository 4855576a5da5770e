package duck

import (
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/tests/golden"
)

var goldenSchema = dataset.Schema{Columns: []dataset.Column{
	{Name: "URL", Type: dataset.Text}, {Name: "url", Type: dataset.JSON}, {Name: "revenue", Type: dataset.Float}, {Name: "n", Type: dataset.Int}, {Name: `q"uote`, Type: dataset.Text},
}}

// goldenSegments are of January and February 2026; the second was written when some
// columns were narrower and others were not there.
func goldenSegments() []segment.Ref {
	january, february := int64(1767225600_000000), int64(1769904000_000000)
	return []segment.Ref{
		{Key: "a", MinTime: january, MaxTime: february - 1, Days: []segment.Day{20454, 20484}, Columns: goldenSchema.Columns, UUID: true},
		{Key: "b", MinTime: january, MaxTime: february, Days: []segment.Day{20454, 20485}, Columns: []dataset.Column{{Name: "revenue", Type: dataset.Int}, {Name: "url", Type: dataset.Text}, {Name: `q"uote`, Type: dataset.Float}}},
		{Key: "c", MinTime: january, MaxTime: february - 1, Days: []segment.Day{20455}, Columns: goldenSchema.Columns, UUID: true},
		{Key: "d", MinTime: february, MaxTime: february, Days: []segment.Day{20485}},
	}
}

func TestPlansAreTheseStatements(t *testing.T) { golden.Statements(t, statementFor) }

func statementFor(t *testing.T, body []byte) string {
	r, err := query.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	program, err := query.Bind(r, query.Whole(dataset.Events, goldenSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	tail := []part{{table: &table{name: "tail1"}, rows: 7, columns: append(append([]dataset.Column{}, dataset.Fixed...), goldenSchema.Columns...)}}
	var all []string
	_, err = program.Run(func(p query.Plan) (query.Result, error) {
		if follower, ok := p.(query.Follower); ok {
			p = follower.Trails()
		}
		s := prune(goldenSegments(), p.Source().Range)
		if s.buckets, err = bucketsOf(p); err != nil {
			return query.Result{}, err
		}
		var paths []string
		for _, ref := range s.refs {
			paths = append(paths, ref.Key)
		}
		out, err := statementOf(p, sources{fields: fieldsOf(p), sealed: s, paths: paths, tail: tail})
		all = append(all, out.sql+"\n")
		return query.Result{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, ";\n")
}
