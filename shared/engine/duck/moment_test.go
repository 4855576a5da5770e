package duck

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/tests/fake"
)

// momentZones change their clocks by an hour, by half of one, around midnight so that a
// day comes again, and never.
var momentZones = []string{"UTC", "Europe/Zurich", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"}

func TestAMomentIsOfTheBucketOfEveryRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(momentZones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		b := calendar.Buckets{Grain: rapid.SampledFrom(calendar.Grains).Draw(t, "grain"), Zone: zone, WeekStart: time.Monday}
		near := time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() + rapid.Int64Range(0, 400*calendar.DayMicros).Draw(t, "near")
		if end := calendar.Spans(zone, near, near)[0].End; end != calendar.MaxMicros && rapid.Bool().Draw(t, "around a change") {
			near = end
		}
		widths := rapid.SampledFrom([]int64{calendar.MinuteMicros, 2 * calendar.HourMicros, 2 * calendar.DayMicros, 40 * calendar.DayMicros})
		apart := widths.Draw(t, "apart")
		least := near + rapid.Int64Range(-apart, apart).Draw(t, "least")
		most := least + rapid.Int64Range(0, widths.Draw(t, "width")).Draw(t, "wide")
		at, ok := selection{buckets: &b}.moment(segment.Ref{MinTime: least, MaxTime: most})
		for instant := least; ok && instant <= most; instant += max(1, (most-least)/500) {
			if b.Key(instant) != b.Key(at) {
				t.Fatalf("%v is not of the %s of %v", time.UnixMicro(instant).In(zone), b.Grain, time.UnixMicro(at).In(zone))
			}
		}
		if !ok && b.Key(least) == b.Key(most) && len(calendar.Spans(zone, least, most)) == 1 {
			t.Fatalf("none is known from %v to %v", time.UnixMicro(least).In(zone), time.UnixMicro(most).In(zone))
		}
	})
}

// TestADayThatComesAgainHasNoMoment is of a zone that turned its clocks back a minute
// after midnight.
func TestADayThatComesAgainHasNoMoment(t *testing.T) {
	zone, err := time.LoadLocation("America/St_Johns")
	if err != nil {
		t.Fatal(err)
	}
	b := calendar.Buckets{Grain: calendar.Day, Zone: zone}
	change := calendar.Spans(zone, time.Date(2006, 8, 1, 0, 0, 0, 0, zone).UnixMicro(), 0)[0].End
	least, most := change-calendar.MinuteMicros/2, change+2*calendar.HourMicros
	if b.Key(least) != b.Key(most) || b.Key(least) == b.Key(change) {
		t.Fatal("the day does not come again")
	}
	if at, ok := (selection{buckets: &b}).moment(segment.Ref{MinTime: least, MaxTime: most}); ok {
		t.Errorf("got %v", time.UnixMicro(at).In(zone))
	}
}

func TestRowsWithoutATimeHaveNoMoment(t *testing.T) {
	b := calendar.Buckets{Grain: calendar.Year, Zone: time.FixedZone("", 3600)}
	if at, ok := (selection{buckets: &b}).moment(segment.Ref{Table: true, MinTime: math.MinInt64, MaxTime: math.MaxInt64}); ok {
		t.Errorf("got %d", at)
	}
}

// TestFilesOfOneBucketCountToTheirOwn asks of segments in any order, of which some share
// a day, one is of several days, and a range cuts another.
func TestFilesOfOneBucketCountToTheirOwn(t *testing.T) {
	store := &fake.Blobs{}
	over := snapshot.Snapshot{Dataset: dataset.Dataset{ID: "d", Kind: dataset.Events}, Release: func() {}}
	began := time.Date(2026, 2, 27, 0, 0, 0, 0, time.UTC)
	var all []int64
	seal := func(times ...int64) {
		b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
		for _, at := range times {
			b.Append(&events.Event{ID: fmt.Sprint(len(all)), Name: "view", Time: at}, 0)
			all = append(all, at)
		}
		ref, err := segment.Write(t.Context(), store, segment.Origin{Tenant: "t", Dataset: "d", Shard: "s"}, b.View(), nil)
		if err != nil {
			t.Fatal(err)
		}
		over.Segments = append(over.Segments, ref)
	}
	at := func(day, hour int) int64 {
		return began.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour).UnixMicro()
	}
	for i, day := range []int{5, 1, 1, -30_000, 3, 0, 9, 2, 4, 1} {
		seal(slices.Repeat([]int64{at(day, 3), at(day, 20)}, 1+i)...)
	}
	seal(at(0, 1), at(6, 2), at(40, 3))
	for _, zone := range []string{"UTC", "America/New_York", "Asia/Kathmandu"} {
		for _, grain := range []calendar.Grain{calendar.Hour, calendar.Day, calendar.Week, calendar.Month, calendar.Year} {
			for _, from := range []int64{math.MinInt64, at(1, 10)} {
				got := countsOf(t, store, over, grain, zone, from)
				if diff := cmp.Diff(expected(t, all, grain, zone, from), got); diff != "" {
					t.Errorf("%s in %s from %d (-want +got):\n%s", grain, zone, from, diff)
				}
			}
		}
	}
}

// expected counts instants from a time on by the start of their bucket.
func expected(t *testing.T, all []int64, grain calendar.Grain, zone string, from int64) map[int64]int64 {
	b, err := bucketsIn(query.Bucket{Grain: grain, Zone: zone, WeekStart: time.Monday})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int64]int64{}
	for _, at := range all {
		if at >= from {
			counts[b.Start(b.Key(at))]++
		}
	}
	return counts
}

// countsOf asks an engine that has fetched nothing yet.
func countsOf(t *testing.T, store *fake.Blobs, over snapshot.Snapshot, grain calendar.Grain, zone string, from int64) map[int64]int64 {
	files, err := local.New(store, t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(Config{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	plan := query.AggregatePlan{Rows: query.Rows{Range: query.Range{From: from, To: math.MaxInt64}}, Measures: []query.Aggregand{{Name: "count", Op: query.Count}},
		Keys: query.Keys{Bucket: &query.Bucket{Grain: grain, Zone: zone, WeekStart: time.Monday}}, Order: []query.Sort{{Column: 0}}, Limit: 1000}
	result, err := e.Run(t.Context(), plan, over)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int64]int64{}
	for _, row := range result.Rows {
		counts[row[0].Int()] = row[1].Int()
	}
	if len(counts) != len(result.Rows) {
		t.Errorf("a bucket comes twice: %v", result.Rows)
	}
	return counts
}
