// Package schedule knows when something is due, again and again, and orders a job each
// time: exact over every change of a zone's clock, never twice for one tick, and none
// lost. Timetable is the arithmetic of that; Store keeps the schedules of tenants;
// Scheduler fires them. The table is the truth, an alarm is a hint. docs/schedules.md
// says why.
package schedule

import (
	"encoding/json"
	"iter"
	"regexp"
	"time"
	_ "time/tzdata" // where the system has no zones

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
)

// Name names a schedule of a tenant.
type Name string

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Check returns fault.Invalid for what is no name.
func (n Name) Check() error {
	if validName.MatchString(string(n)) {
		return nil
	}
	return fault.New(fault.Invalid, "bad_schedule_name", "%.70q is no name of a schedule", string(n)).
		WithHint("1 to 63 lower-case letters, digits, _ and -, beginning with a letter or digit")
}

// CatchUp says what becomes of the ticks that were missed while nobody could fire them,
// or while the schedule was paused.
type CatchUp string

// The ways to catch up.
const (
	All  CatchUp = "all"  // each is fired, MaxCatchUp of them at most: the latest
	Last CatchUp = "last" // one is fired, for all
	Skip CatchUp = "skip" // none is fired that is older than Grace
)

// MaxRequest bounds what a schedule's job is told to do, in bytes.
const MaxRequest = 64 << 10

// Job is what a schedule orders.
type Job struct {
	Kind    job.Kind        `json:"kind" example:"export"`
	Request json.RawMessage `json:"request" doc:"as the route that orders such a job at once takes it: for an export, the body of POST /v1/exports"`
}

// Spec is what a schedule is to be. Of Cron, Rate and At there is one.
type Spec struct {
	Name    Name      `json:"name" example:"nightly-orders" maxLength:"63"`
	Cron    string    `json:"cron,omitempty" maxLength:"200" doc:"minute, hour, day of month, month and day of week, by the clock of the zone; or @hourly, @daily, @weekly, @monthly, @yearly" example:"30 2 * * MON-FRI"`
	Rate    string    `json:"rate,omitempty" maxLength:"40" doc:"a fixed time between runs, counted from start: 15 minutes, 2 hours, 1 day (of 24 hours)"`
	At      time.Time `json:"at,omitzero" doc:"once, then"`
	Start   time.Time `json:"start,omitzero" doc:"no run is before; absent: when the schedule is made"`
	Zone    string    `json:"zone,omitempty" maxLength:"64" doc:"whose clock the cron expression means; absent: UTC" example:"Europe/Zurich"`
	CatchUp CatchUp   `json:"catch_up,omitempty" enum:"all,last,skip" doc:"what becomes of runs that were missed, or that fell into a pause: all: each, 100 at most; last (default): one; skip: none that is older than 20 minutes"`
	Paused  bool      `json:"paused,omitempty"`
	Job     Job       `json:"job"`
}

// Timetable is when a schedule is due. The zero Timetable is never.
type Timetable struct {
	plan interface {
		next(after time.Time) (time.Time, bool)
	}
	start time.Time
}

// Timetable reads when the schedule is due, and checks that it ever is.
func (s Spec) Timetable() (Timetable, error) {
	zone, err := zoneOf(s.Zone)
	if err != nil {
		return Timetable{}, err
	}
	t := Timetable{start: s.Start}
	if !s.Start.IsZero() && !inReach(s.Start) || !s.At.IsZero() && !inReach(s.At) {
		return Timetable{}, fault.New(fault.Invalid, "bad_schedule", "start and at are times between the years 2000 and 2200")
	}
	given := 0
	if s.Cron != "" {
		given++
		c, err := parseCron(s.Cron)
		if err != nil {
			return Timetable{}, err
		}
		t.plan = zoned{c, zone}
	}
	if s.Rate != "" {
		given++
		every, err := parseRate(s.Rate)
		if err != nil {
			return Timetable{}, err
		}
		t.plan = rate{every, later(s.Start, time.Unix(0, 0))}
	}
	if !s.At.IsZero() {
		given++
		t.plan = once{s.At}
	}
	if given != 1 {
		return Timetable{}, fault.New(fault.Invalid, "bad_schedule", "a schedule has one of cron, rate and at").
			WithHint(`{"cron": "30 2 * * *", "zone": "Europe/Zurich"}, {"rate": "15 minutes"} or {"at": "2026-12-24T18:00:00Z"}`)
	}
	return t, nil
}

// inReach reports whether a time can be reckoned with: a time.Duration holds 292 years.
func inReach(t time.Time) bool { return t.Year() >= 2000 && t.Year() <= 2200 }

func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fault.New(fault.Invalid, "bad_zone", "%.70q is no time zone", name).WithHint("by its name in the IANA database: Europe/Zurich")
	}
	return zone, nil
}

// Next returns the first tick after an instant, or the zero time if there is none.
func (t Timetable) Next(after time.Time) time.Time {
	if t.plan == nil {
		return time.Time{}
	}
	tick, ok := t.plan.next(later(after, t.start.Add(-time.Nanosecond)))
	if !ok {
		return time.Time{}
	}
	return tick.UTC()
}

// Between returns the ticks from an instant on, until another, in order.
func (t Timetable) Between(from, until time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for tick := t.Next(from.Add(-time.Nanosecond)); !tick.IsZero() && !tick.After(until); tick = t.Next(tick) {
			if !yield(tick) {
				return
			}
		}
	}
}
