package duck

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
)

var update = flag.Bool("update", false, "write the golden files anew")

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

func TestPlansAreTheseStatements(t *testing.T) {
	requests, err := filepath.Glob("testdata/*.json")
	if err != nil || len(requests) == 0 {
		t.Fatal("no requests", err)
	}
	for _, path := range requests {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := statementFor(t, body)
		golden := strings.TrimSuffix(path, "json") + "sql"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got; -update accepts):\n%s", path, diff)
		}
	}
}

func statementFor(t *testing.T, body []byte) string {
	r, err := query.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	program, err := query.Bind(r, dataset.Events, goldenSchema, nil)
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
