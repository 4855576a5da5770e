package trail

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/query/calendar"
)

// TestBucketsThatAreRememberedAreTheCalendars asks for instants near and far, in any
// order, around changes of clocks.
func TestBucketsThatAreRememberedAreTheCalendars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Zurich", "Australia/Lord_Howe", "Pacific/Apia"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		b := buckets{Buckets: calendar.Buckets{Grain: rapid.SampledFrom([]calendar.Grain{calendar.Hour, calendar.Day, calendar.Week, calendar.Month, calendar.Year}).Draw(t, "grain"), Zone: zone}}
		for range 50 {
			at := rapid.OneOf(
				rapid.Int64Range(time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(2026, 4, 7, 0, 0, 0, 0, time.UTC).UnixMicro()),
				rapid.Int64Range(time.Date(2011, 12, 28, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(2012, 1, 2, 0, 0, 0, 0, time.UTC).UnixMicro()),
				rapid.Int64Range(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()),
			).Draw(t, "at")
			found, key := b.find(at), b.Key(at)
			if found.key != key || found.from != b.Start(key) || at < found.from || at >= found.to {
				t.Fatalf("%d is in %+v; its key is %d, which begins at %d", at, found, key, b.Start(key))
			}
		}
	})
}
