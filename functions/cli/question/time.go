package question

import (
	"fmt"
	"strconv"
	"time"
	_ "time/tzdata" // Windows has no zones of its own
)

// time reads the period. A date is its midnight in the zone.
func (f Flags) time(now time.Time) (*Time, error) {
	if f.From == "" && f.To == "" && f.Grain == "" && f.Zone == "" {
		return nil, nil
	}
	zone := time.UTC
	if f.Zone != "" {
		z, err := time.LoadLocation(f.Zone)
		if err != nil || f.Zone == "Local" {
			return nil, fmt.Errorf("zone %q is no IANA time zone, such as Europe/Zurich", f.Zone)
		}
		zone = z
	}
	t := &Time{Grain: f.Grain, Zone: f.Zone}
	var err error
	if t.From, err = Moment(f.From, now, zone); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	if t.To, err = Moment(f.To, now, zone); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	return t, nil
}

// units are what so long ago is counted in.
var units = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// Moment reads a date, a time, or how long ago, and writes it as RFC 3339. An empty text
// stays empty.
func Moment(text string, now time.Time, zone *time.Location) (string, error) {
	if text == "" {
		return "", nil
	}
	if unit, ok := units[text[len(text)-1]]; ok {
		if n, err := strconv.ParseInt(text[:len(text)-1], 10, 32); err == nil && n >= 0 && n <= 100_000 {
			return now.Add(-time.Duration(n) * unit).UTC().Format(time.RFC3339Nano), nil
		}
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return t.UTC().Format(time.RFC3339), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.Format(time.RFC3339Nano), nil
	}
	return "", fmt.Errorf("%q is no date (2026-01-31), no time (2026-01-31T12:00:00Z) and not how long ago (7d, 12h)", text)
}
