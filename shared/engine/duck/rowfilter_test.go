package duck_test

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// BenchmarkRowFilter prints what a row filter that every row passes adds to questions:
// medians of interleaved runs.
func BenchmarkRowFilter(b *testing.B) {
	dir := b.TempDir()
	store := &folder{memory{blobs: map[string][]byte{}}, dir}
	over := benchDataset(b, store)
	e := openFor(b, store, dir)
	restriction := query.Restriction{
		Filters:    []query.Filter{{Column: "country", Op: query.In, Attribute: "country"}},
		Attributes: map[string][]string{"country": {"CH", "DE", "FR", "US"}},
	}
	for _, name := range []string{"daily sum", "top urls", "uniques", "p95", "seven days"} {
		b.Run(name, func(b *testing.B) {
			r, err := query.Decode([]byte(benchQueries[name][0]))
			if err != nil {
				b.Fatal(err)
			}
			bound := func(seen query.View) query.Plan {
				program, err := query.Bind(r, seen, nil)
				if err != nil {
					b.Fatal(err)
				}
				return planIn(b, program)
			}
			whole, part := bound(query.Whole(dataset.Events, over.Schema)), bound(restriction.View(dataset.Events, over.Schema))
			var without, with []time.Duration
			for b.Loop() {
				without = append(without, timed(func() { mustRun(b, e, whole, over) }))
				with = append(with, timed(func() { mustRun(b, e, part, over) }))
			}
			b.ReportMetric(float64(median(with))/float64(median(without)), "ratio")
		})
	}
}
