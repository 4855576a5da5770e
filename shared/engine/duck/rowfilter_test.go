package duck_test

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// BenchmarkRowFilter prints what a row filter adds to questions, one that every row passes
// and one that three of four pass: medians of interleaved runs.
func BenchmarkRowFilter(b *testing.B) {
	dir := b.TempDir()
	store := &folder{memory{blobs: map[string][]byte{}}, dir}
	over := benchDataset(b, store)
	e := openFor(b, store, dir)
	plan := func(b *testing.B, name string, countries ...string) query.Plan {
		r, err := query.Decode([]byte(benchQueries[name][0]))
		if err != nil {
			b.Fatal(err)
		}
		var seen query.Restriction
		if len(countries) > 0 {
			seen.Filters = []query.Filter{{Column: "country", Op: query.In, Attribute: "country"}}
			seen.Attributes = map[string][]string{"country": countries}
		}
		program, err := query.Bind(r, seen.View(dataset.Events, over.Schema), nil)
		if err != nil {
			b.Fatal(err)
		}
		return planIn(b, program)
	}
	for _, name := range []string{"daily sum", "top urls", "uniques", "p95", "seven days"} {
		b.Run(name, func(b *testing.B) {
			whole, every, most := plan(b, name), plan(b, name, "CH", "DE", "FR", "US"), plan(b, name, "CH", "DE", "FR")
			var without, passed, cut []time.Duration
			for b.Loop() {
				without = append(without, timed(func() { mustRun(b, e, whole, over) }))
				passed = append(passed, timed(func() { mustRun(b, e, every, over) }))
				cut = append(cut, timed(func() { mustRun(b, e, most, over) }))
			}
			b.ReportMetric(float64(median(passed))/float64(median(without)), "ratio")
			b.ReportMetric(float64(median(cut))/float64(median(without)), "ratio-3/4")
			b.ReportMetric(float64(median(without).Microseconds())/1000, "ms-without")
		})
	}
}
