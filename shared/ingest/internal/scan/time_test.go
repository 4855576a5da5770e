package scan

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimes(t *testing.T) {
	cases := map[string]struct {
		want string // as package time writes it; empty: not one
		flaw Flaw
	}{
		"2026-01-02T03:04:05Z":         {"2026-01-02T03:04:05Z", None},
		"2026-01-02t03:04:05z":         {"2026-01-02T03:04:05Z", None},
		"2026-01-02 03:04:05Z":         {"2026-01-02T03:04:05Z", None},
		"2026-01-02T03:04:05.1Z":       {"2026-01-02T03:04:05.1Z", None},
		"2026-01-02T03:04:05.1234569Z": {"2026-01-02T03:04:05.123456Z", None},
		"2026-01-02T03:04:05+01:00":    {"2026-01-02T02:04:05Z", None},
		"2026-01-02T03:04:05-09:30":    {"2026-01-02T12:34:05Z", None},
		"2026-01-02T03:04:05-00:00":    {"2026-01-02T03:04:05Z", None},
		"2024-02-29T00:00:00Z":         {"2024-02-29T00:00:00Z", None},
		"2016-12-31T23:59:60Z":         {"2016-12-31T23:59:59.999999Z", None},
		"2017-01-01T00:59:60.5+01:00":  {"2016-12-31T23:59:59.999999Z", None},
		"1969-12-31T23:59:60Z":         {"1969-12-31T23:59:59.999999Z", None},
		"2016-12-31T22:59:60Z":         {"", BadTime},
		"2016-12-31T23:59:61Z":         {"", BadTime},
		"2023-02-29T00:00:00Z":         {"", BadTime},
		"2100-02-29T00:00:00Z":         {"", BadTime},
		"2026-13-01T00:00:00Z":         {"", BadTime},
		"2026-00-01T00:00:00Z":         {"", BadTime},
		"2026-04-31T00:00:00Z":         {"", BadTime},
		"2026-01-00T00:00:00Z":         {"", BadTime},
		"2026-01-02T24:00:00Z":         {"", BadTime},
		"2026-01-02T03:60:00Z":         {"", BadTime},
		"2026-01-02T03:04:05":          {"", BadTime},
		"2026-01-02T03:04:05.Z":        {"", BadTime},
		"2026-01-02T03:04:05,5Z":       {"", BadTime},
		"2026-01-02T03:04:05+24:00":    {"", BadTime},
		"2026-01-02T03:04:05+01:60":    {"", BadTime},
		"2026-01-02T03:04:05+0100":     {"", BadTime},
		"2026-01-02T03:04:05Zx":        {"", BadTime},
		"2026-01-02T3:04:05Z":          {"", BadTime},
		"2026-01-02":                   {"", BadTime},
		"1767323045":                   {"", BadTime},
		"0000-01-01T00:00:00Z":         {"", TimeRange},
		"9999-12-31T23:59:59Z":         {"", TimeRange},
	}
	for text, c := range cases {
		got, flaw := Time(text)
		if flaw != c.flaw {
			t.Errorf("%s: flaw %d, want %d", text, flaw, c.flaw)
		} else if flaw == None && time.UnixMicro(got).UTC().Format(time.RFC3339Nano) != c.want {
			t.Errorf("%s: %v, want %s", text, time.UnixMicro(got).UTC(), c.want)
		}
	}
}

func TestTimeReadsWhatPackageTimeWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Int64Range(minTime, maxTime-1).Draw(t, "micros")
		zone := time.FixedZone("", 60*rapid.IntRange(-23*60, 23*60).Draw(t, "offset"))
		text := time.UnixMicro(want).In(zone).Format(time.RFC3339Nano)
		if got, flaw := Time(text); flaw != None || got != want {
			t.Errorf("%s: %d (flaw %d), want %d", text, got, flaw, want)
		}
	})
}
