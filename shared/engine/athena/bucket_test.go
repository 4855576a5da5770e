package athena

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// TestBucketsAreThoseOfTheCalendar asks an engine for the buckets of instants around
// changes of clocks, around 1970 and anywhere.
func TestBucketsAreThoseOfTheCalendar(t *testing.T) {
	connector, err := duckdb.NewConnector("", func(driver.ExecerContext) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	zones := []string{"UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Africa/Monrovia", "Antarctica/Troll"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		b := calendar.Buckets{Grain: rapid.SampledFrom(calendar.Grains).Draw(t, "grain"), Zone: zone, WeekStart: time.Weekday(rapid.IntRange(0, 6).Draw(t, "week start"))}
		instants := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) int64 { return drawInstant(t, zone) }), 1, 40).Draw(t, "instants")
		for i, start := range startsOf(t, db, b, instants) {
			if got, want := keyOf(b, start), b.Key(instants[i]); got != want {
				t.Errorf("%s of %v begins at %d: key %d, want %d", b.Grain, time.UnixMicro(instants[i]).In(zone), start, got, want)
			}
		}
	})
}

func drawInstant(t *rapid.T, zone *time.Location) int64 {
	at := func(year int) int64 { return time.Date(year, 1, 3, 0, 0, 0, 0, time.UTC).UnixMicro() }
	instant := rapid.OneOf(rapid.Int64Range(at(2020), at(2030)), rapid.Int64Range(at(1969), at(1971)), rapid.Int64Range(at(1), at(9999))).Draw(t, "instant")
	if s := calendar.Spans(zone, instant, instant)[0]; s.Start > at(1) && rapid.Bool().Draw(t, "near a change") {
		instant = s.Start + rapid.Int64Range(-2*calendar.HourMicros, 2*calendar.HourMicros).Draw(t, "by")
	}
	return instant
}

// startsOf runs the expression over instants, in order.
func startsOf(t *rapid.T, db *sql.DB, b calendar.Buckets, instants []int64) (starts []int64) {
	var days []segment.Day
	var values []string
	for i, at := range instants {
		days = append(days, segment.DayOf(at))
		values = append(values, fmt.Sprintf("(%d, %s)", i, instant(at)))
	}
	statement := "SELECT " + bucketStart(b, calendar.Union(days), "c0", "s") + "\nFROM (SELECT i, c0, " + seconds("c0") + " AS s FROM (VALUES " + strings.Join(values, ", ") + ") v (i, c0)) r ORDER BY i"
	rows, err := db.Query(statement)
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	defer rows.Close()
	for rows.Next() {
		var start int64
		if err := rows.Scan(&start); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, start)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return starts
}
