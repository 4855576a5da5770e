package trail_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tarnhq/tarn/shared/engine/trail"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

const (
	benchSteps    = 2_000_000
	benchSubjects = 100_000
	benchDays     = 50
)

// benchTrails are those of a click stream, in a large run and two small ones.
func benchTrails() (all trail.Trails) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{benchSteps, benchSteps / 100, benchSteps / 100} {
		b := trail.NewBuilder(false)
		for i := range n {
			at := int64(i) * benchDays * calendar.DayMicros / int64(n)
			b.Add(fmt.Sprint("u", r.IntN(benchSubjects)), at, 1<<min(r.IntN(10)/3, 2), nil)
		}
		all = all.And(b.Trails())
	}
	return all
}

// BenchmarkWalk prints what an answer costs a step when the trails are there.
func BenchmarkWalk(b *testing.B) {
	trails := benchTrails()
	for name, p := range map[string]query.Follower{
		"funnel":    query.FunnelPlan{Steps: make([]*query.Expr, 3), Window: 7 * calendar.DayMicros, Limit: 1},
		"retention": query.RetentionPlan{Keys: query.Keys{Bucket: &query.Bucket{Grain: calendar.Day, Zone: "UTC"}}, Periods: 60, Limit: 100_000},
		"sessions":  query.SessionsPlan{Timeout: 30 * calendar.MinuteMicros, Limit: 1},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := trail.Answer(b.Context(), p, trails); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSteps, "ns/step")
			b.ReportMetric(float64(trails.Size())/benchSteps, "bytes/step")
		})
	}
}
