package trail_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/engine/trail"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// TestTrailsInPartsAreTheTrailsOfAll spreads rows over many sets, some joined and some
// side by side.
func TestTrailsInPartsAreTheTrailsOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets := make([]*trail.Builder, rapid.IntRange(1, 30).Draw(t, "sets"))
		for i := range sets {
			sets[i] = trail.NewBuilder(false)
		}
		whole := trail.NewBuilder(false)
		for range rapid.IntRange(0, 200).Draw(t, "rows") {
			subject := fmt.Sprint("u", rapid.IntRange(0, 20).Draw(t, "subject"))
			at, flags := rapid.Int64Range(-20, 20).Draw(t, "at"), rapid.Uint64Range(1, 3).Draw(t, "flags")
			values := []query.Value{rapid.SampledFrom([]query.Value{query.TextValue("a"), query.TextValue("b"), query.TextValue("c")}).Draw(t, "value")}
			whole.Add(subject, at, flags, values)
			sets[rapid.IntRange(0, len(sets)-1).Draw(t, "set")].Add(subject, at, flags, values)
		}
		var joined, beside trail.Trails
		for _, b := range sets {
			if rapid.Bool().Draw(t, "joined") {
				joined = trail.Join(joined, b.Trails())
			} else {
				beside = beside.And(b.Trails())
			}
		}
		dimensions := query.Keys{Dimensions: []query.Group{{Name: "d"}}}
		for _, p := range []query.Follower{
			query.FunnelPlan{Steps: make([]*query.Expr, 2), Window: 7, Limit: 100, Keys: dimensions},
			query.PathsPlan{Depth: 2, Limit: 10_000, Order: []query.Sort{{Column: 0}, {Column: 1}, {Column: 2}}},
			query.SessionsPlan{Timeout: 2, Limit: 100, Keys: dimensions, Order: []query.Sort{{Column: 0}}},
		} {
			want, _, err := trail.Answer(t.Context(), p, whole.Trails())
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := trail.Answer(t.Context(), p, joined.And(beside))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
				t.Fatalf("%s (-whole +parts):\n%s", p.Kind(), diff)
			}
		}
	})
}

// TestManySubjectsAreToldApart has more of them than any table began with.
func TestManySubjectsAreToldApart(t *testing.T) {
	const subjects = 50_000
	b := trail.NewBuilder(false)
	for i := range 2 * subjects {
		b.Add(fmt.Sprint(i%subjects), int64(i), 1, nil)
	}
	rows, _, err := trail.Answer(t.Context(), query.FunnelPlan{Steps: make([]*query.Expr, 1), Limit: 1}, b.Trails())
	if err != nil || rows[0][0].Int() != subjects {
		t.Errorf("%v, %v", rows, err)
	}
}

// TestValuesAreCountedOnceWhateverTheSets counts values of a large set and small ones,
// which are looked for in it, and of sets of a size.
func TestValuesAreCountedOnceWhateverTheSets(t *testing.T) {
	plan := query.DistinctPlan{Keys: query.Keys{Bucket: &query.Bucket{Grain: calendar.Day, Zone: "UTC"}, Dimensions: []query.Group{{Name: "d"}}}, Limit: 1000}
	rapid.Check(t, func(t *rapid.T) {
		var all trail.Trails
		counts := map[string]int{}
		seen := map[string]bool{}
		for range rapid.IntRange(1, 4).Draw(t, "sets") {
			b := trail.NewBuilder(true)
			for range rapid.SampledFrom([]int{0, 1, 5, 400}).Draw(t, "rows") {
				value, day := fmt.Sprint("v", rapid.IntRange(0, 200).Draw(t, "value")), rapid.Int64Range(-1, 1).Draw(t, "day")
				group := rapid.SampledFrom([]query.Value{query.TextValue("a"), {}}).Draw(t, "group")
				b.Add(value, day, 1, []query.Value{group})
				key := fmt.Sprint(query.TimeValue(day*calendar.DayMicros), group)
				if !seen[key+value] {
					seen[key+value] = true
					counts[key]++
				}
			}
			all = all.And(b.Trails())
		}
		for range 2 { // the second time the counts of the large set are known
			rows, _, err := trail.Answer(t.Context(), plan, all)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, row := range rows {
				got[fmt.Sprint(row[0], row[1])] = int(row[2].Int())
			}
			if diff := cmp.Diff(counts, got); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
