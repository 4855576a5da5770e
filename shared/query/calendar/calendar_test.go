package calendar_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/query/calendar"
)

// zones with what makes them hard: half-hour and quarter-hour offsets, half an hour
// of daylight saving, changes at midnight, a skipped day, odd offsets of old.
var zones = []string{
	"UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/London", "Europe/Dublin",
	"America/St_Johns", "America/Sao_Paulo", "America/Havana", "Africa/Cairo", "Africa/Casablanca", "Asia/Tehran",
	"Asia/Kolkata", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Antarctica/Troll", "Asia/Pyongyang",
	"Africa/Monrovia", "Europe/Amsterdam", "America/Caracas", "Asia/Gaza", "Etc/GMT+12",
}

// date is what a bucket of the calendar has in common, by Go's time package.
func date(t time.Time, grain calendar.Grain, weekStart time.Weekday) time.Time {
	year, month, day := t.Date()
	switch grain {
	case calendar.Week:
		day -= int(t.Weekday()-weekStart+7) % 7
	case calendar.Month:
		day = 1
	case calendar.Quarter:
		month, day = (month-1)/3*3+1, 1
	case calendar.Year:
		month, day = 1, 1
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// begins finds a bucket's first instant by stepping towards it.
func begins(t time.Time, grain calendar.Grain, weekStart time.Weekday) time.Time {
	if _, clock := grain.Clock(); clock {
		return runBegins(t, grain)
	}
	want := date(t, grain, weekStart)
	inside := func(at time.Time) bool { return date(at.In(t.Location()), grain, weekStart).Equal(want) }
	at := want.Add(-26 * time.Hour)
	for !inside(at.Add(10 * time.Minute)) { // no bucket of a day is that short
		at = at.Add(10 * time.Minute)
	}
	for !inside(at) {
		at = at.Add(time.Second)
	}
	return at
}

// runBegins goes back while the clock shows the same minute or hour at the same offset.
func runBegins(t time.Time, grain calendar.Grain) time.Time {
	shows := func(t time.Time) [5]int {
		_, offset := t.Zone()
		if grain == calendar.Hour {
			return [5]int{t.YearDay(), t.Hour(), 0, offset}
		}
		return [5]int{t.YearDay(), t.Hour(), t.Minute(), offset}
	}
	t = t.Truncate(time.Second)
	for shows(t.Add(-time.Second)) == shows(t) {
		t = t.Add(-time.Second)
	}
	return t
}

func check(t interface{ Errorf(string, ...any) }, b calendar.Buckets, zone *time.Location, micros int64) {
	at := time.UnixMicro(micros).In(zone)
	got := time.UnixMicro(b.Start(b.Key(micros))).In(zone)
	if want := begins(at, b.Grain, b.WeekStart); !got.Equal(want) {
		t.Errorf("%s %s of %v begins %v, want %v", b.Grain, zone, at, got, want)
	}
}

func TestBucketsAroundEveryClockChangeAreThoseOfGo(t *testing.T) {
	for _, name := range zones[:6] {
		zone := load(t, name)
		from, to := micros("2025-12-01T00:00:00Z"), micros("2027-02-01T00:00:00Z")
		for _, grain := range calendar.Grains {
			b := calendar.Buckets{Grain: grain, Zone: zone, WeekStart: time.Monday}
			for _, s := range calendar.Spans(zone, from, to) {
				for _, minutes := range []int64{-1500, -91, -61, -60, -31, -30, -1, 0, 1, 29, 30, 31, 59, 60, 61, 90, 91, 1500} {
					if at := s.Start + minutes*calendar.MinuteMicros; s.Start != calendar.MinMicros && at >= from && at <= to {
						check(t, b, zone, at)
					}
				}
			}
			for at := from; at < to; at += 13*calendar.HourMicros + 7*calendar.MinuteMicros {
				check(t, b, zone, at)
			}
		}
	}
}

func TestBucketsOfAnyInstantInAnyZoneAreThoseOfGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := load(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		grain := rapid.SampledFrom(calendar.Grains).Draw(t, "grain")
		weekStart := time.Weekday(rapid.IntRange(0, 6).Draw(t, "week start"))
		at := rapid.Int64Range(micros("1800-01-01T00:00:00Z"), micros("2200-01-01T00:00:00Z")).Draw(t, "at")
		if rapid.Bool().Draw(t, "near a change") {
			at = calendar.Spans(zone, at, at)[0].End
			if at == calendar.MaxMicros {
				t.Skip("no change follows")
			}
			at += rapid.Int64Range(-2*calendar.HourMicros, 2*calendar.HourMicros).Draw(t, "by")
		}
		check(t, calendar.Buckets{Grain: grain, Zone: zone, WeekStart: weekStart}, zone, at)
	})
}

func TestSpansEndWhereTheOffsetChangesAndNowhereElse(t *testing.T) {
	for _, name := range zones {
		zone := load(t, name)
		spans := calendar.Spans(zone, micros("1850-01-01T00:00:00Z"), micros("2150-01-01T00:00:00Z"))
		for i, s := range spans[1:] {
			if s.Start != spans[i].End || s.Offset == spans[i].Offset || s.Start >= s.End {
				t.Fatalf("%s: %v follows %v", name, s, spans[i])
			}
			for _, at := range []int64{s.Start, s.Start + (min(s.End, s.Start+500*calendar.DayMicros)-s.Start)/2, min(s.End, calendar.MaxMicros-1) - 1} {
				if _, offset := time.UnixMicro(at).In(zone).Zone(); at < micros("9999-01-01T00:00:00Z") && int64(offset)*1e6 != s.Offset {
					t.Fatalf("%s: offset %d at %v, want %d", name, offset, time.UnixMicro(at).UTC(), s.Offset)
				}
			}
		}
	}
}

func TestAnHourIsNotCutWhereTheYearEnds(t *testing.T) {
	for _, year := range []string{"2026", "2040", "2041"} {
		zone := load(t, "Australia/Adelaide")
		at := micros(year + "-01-01T00:10:00Z")
		check(t, calendar.Buckets{Grain: calendar.Hour, Zone: zone}, zone, at)
	}
}

func TestKeysAndStartsGrowWithTime(t *testing.T) {
	for _, name := range zones {
		zone := load(t, name)
		from, to := micros("2011-01-01T00:00:00Z"), micros("2012-06-01T00:00:00Z")
		for _, grain := range calendar.Grains[2:] {
			b := calendar.Buckets{Grain: grain, Zone: zone, WeekStart: time.Sunday}
			seen := map[int64]int64{}
			last := int64(calendar.MinMicros)
			for at := from; at < to; at += calendar.HourMicros / 2 {
				key := b.Key(at)
				start, ok := seen[key]
				if !ok {
					start = b.Start(key)
					seen[key] = start
					if start <= last {
						t.Fatalf("%s %s: a bucket begins at %d, after one that began at %d", name, grain, start, last)
					}
					last = start
				}
				if start > at {
					t.Fatalf("%s %s: the bucket of %d begins at %d", name, grain, at, start)
				}
			}
		}
	}
}

func TestTheHourThatComesTwiceIsTwoHours(t *testing.T) {
	cases := map[string]struct{ zone, at, want string }{
		"New York, first":            {"America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T05:00:00Z"},
		"New York, second":           {"America/New_York", "2026-11-01T06:30:00Z", "2026-11-01T06:00:00Z"},
		"Lord Howe, first":           {"Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-04T14:00:00Z"},
		"Lord Howe, its second half": {"Australia/Lord_Howe", "2026-04-04T15:15:00Z", "2026-04-04T15:00:00Z"},
		"Kathmandu, any":             {"Asia/Kathmandu", "2026-04-04T15:20:00Z", "2026-04-04T15:15:00Z"},
	}
	for name, c := range cases {
		b := calendar.Buckets{Grain: calendar.Hour, Zone: load(t, c.zone)}
		if got := b.Start(b.Key(micros(c.at))); got != micros(c.want) {
			t.Errorf("%s: the hour begins %v, want %s", name, time.UnixMicro(got).UTC(), c.want)
		}
	}
}

func load(t interface{ Fatal(...any) }, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func micros(text string) int64 {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}
