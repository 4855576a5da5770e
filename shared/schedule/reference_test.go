package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// values is a field of an expression, as text and as the values it means.
type values struct {
	text string
	of   []int
}

// expression is a cron expression whose meaning is known without reading it.
type expression struct {
	minute, hour, day, month, weekday values
	last                              bool
}

func (e expression) text() string {
	return strings.Join([]string{e.minute.text, e.hour.text, e.day.text, e.month.text, e.weekday.text}, " ")
}

// shows reports whether the expression names what a clock shows.
func (e expression) shows(wall time.Time) bool {
	number := slices.Contains(e.day.of, wall.Day()) || e.last && wall.AddDate(0, 0, 1).Month() != wall.Month()
	name := slices.Contains(e.weekday.of, int(wall.Weekday()))
	day := number && name
	if e.day.text[0] != '*' && e.weekday.text[0] != '*' {
		day = number || name
	}
	return day && slices.Contains(e.minute.of, wall.Minute()) && slices.Contains(e.hour.of, wall.Hour()) && slices.Contains(e.month.of, int(wall.Month()))
}

// walk returns the ticks of an expression between two instants, by looking at the clock
// every minute, and at every minute that it passes over.
func (e expression) walk(zone *time.Location, from, until time.Time) (ticks []time.Time) {
	floats := e.hour.text[0] == '*' || strings.Contains(e.hour.text, "/")
	clock := func(at time.Time) time.Time {
		y, m, d := at.In(zone).Date()
		return time.Date(y, m, d, at.In(zone).Hour(), at.In(zone).Minute(), 0, 0, time.UTC)
	}
	reached := clock(from.Add(-72 * time.Hour))
	for at := from.Add(-72 * time.Hour); at.Before(until); at = at.Add(time.Minute) {
		due, now := false, clock(at)
		if floats {
			due = e.shows(now)
		}
		for ; reached.Before(now); reached = reached.Add(time.Minute) {
			due = due || !floats && e.shows(reached.Add(time.Minute))
		}
		if due && !at.Before(from) {
			ticks = append(ticks, at)
		}
	}
	return ticks
}

// anyField draws a field with values of a range.
func anyField(t *rapid.T, name string, low, high int) values {
	one := func(label string) int { return rapid.IntRange(low, high).Draw(t, name+label) }
	upTo := func(a, b, by int) (of []int) {
		for v := a; v <= b; v += by {
			of = append(of, v)
		}
		return of
	}
	switch rapid.IntRange(0, 5).Draw(t, name) {
	case 0, 1:
		return values{"*", upTo(low, high, 1)}
	case 2:
		by := rapid.IntRange(1, max(1, (high-low)/2)).Draw(t, name+" step")
		return values{fmt.Sprintf("*/%d", by), upTo(low, high, by)}
	case 3:
		a := one(" from")
		b := rapid.IntRange(a, high).Draw(t, name+" to")
		return values{fmt.Sprintf("%d-%d", a, b), upTo(a, b, 1)}
	case 4:
		a, b := one(" first"), one(" second")
		return values{fmt.Sprintf("%d,%d", a, b), []int{a, b}}
	}
	a := one("")
	return values{fmt.Sprint(a), []int{a}}
}

func anyExpression(t *rapid.T) expression {
	e := expression{minute: anyField(t, "minute", 0, 59), hour: anyField(t, "hour", 0, 23), day: anyField(t, "day", 1, 31),
		month: values{"*", upToTwelve}, weekday: anyField(t, "weekday", 0, 6)}
	if rapid.IntRange(0, 5).Draw(t, "months") == 0 {
		e.month = anyField(t, "month", 1, 12)
	}
	if rapid.IntRange(0, 5).Draw(t, "last") == 0 && e.day.text[0] != '*' {
		e.last, e.day.text = true, e.day.text+",L"
	}
	return e
}

var upToTwelve = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

// changes are weeks in which clocks were changed, or days left out.
var changes = []struct {
	zone string
	week string
}{
	{"Europe/Zurich", "2024-03-29"}, {"Europe/Zurich", "2024-10-25"}, {"America/New_York", "2025-03-08"}, {"America/New_York", "2025-11-01"},
	{"Australia/Lord_Howe", "2024-10-04"}, {"Australia/Lord_Howe", "2025-04-04"}, {"America/Santiago", "2024-09-06"}, {"America/Santiago", "2025-04-04"},
	{"Asia/Beirut", "2024-03-29"}, {"Asia/Beirut", "2024-10-25"}, {"Pacific/Apia", "2011-12-28"}, {"Pacific/Apia", "2012-03-30"},
	{"Asia/Kolkata", "2024-02-27"}, {"Asia/Kathmandu", "1985-12-30"}, {"Africa/Casablanca", "2024-03-09"}, {"Africa/Casablanca", "2024-04-13"},
	{"Antarctica/Troll", "2024-03-30"}, {"Antarctica/Troll", "2024-10-26"}, {"America/Havana", "2024-11-02"}, {"Africa/Cairo", "2024-04-25"},
	{"Pacific/Kwajalein", "1993-08-19"}, {"Asia/Pyongyang", "2015-08-13"}, {"America/Caracas", "2007-12-08"}, {"UTC", "2024-02-27"},
}

// TestTicksAreThoseOfAWalkAlongTheClock compares with looking at the clock every minute,
// in weeks in which something happens to it.
func TestTicksAreThoseOfAWalkAlongTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, c := anyExpression(t), rapid.SampledFrom(changes).Draw(t, "change")
		if !e.last && slices.Min(e.day.of) > 29 && len(e.month.of) < 7 {
			return // perhaps there is no such day, which another test is about
		}
		compare(t, e, c.zone, c.week, 7*24*time.Hour)
	})
}

// TestTicksOfAYearAreThoseOfAWalkAlongTheClock has expressions that matter where the clock
// is changed, and walks a whole year in each zone.
func TestTicksOfAYearAreThoseOfAWalkAlongTheClock(t *testing.T) {
	every, eachHour := values{"*", nil}, values{"*", nil}
	for v := range 60 {
		every.of = append(every.of, v)
	}
	eachHour.of = every.of[:24]
	days, names := values{"*", every.of[1:32]}, values{"*", every.of[:7]}
	for i, zone := range []string{"Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut", "Asia/Kolkata", "Pacific/Apia", "UTC"} {
		for _, e := range []expression{
			{minute: values{"30", []int{30}}, hour: values{"2", []int{2}}, day: days, month: values{"*", upToTwelve}, weekday: names},
			{minute: values{"*/15", []int{0, 15, 30, 45}}, hour: eachHour, day: days, month: values{"*", upToTwelve}, weekday: names},
			{minute: every, hour: values{"23,0", []int{23, 0}}, day: values{"L", nil}, last: true, month: values{"*", upToTwelve}, weekday: names},
		} {
			compare(t, e, zone, fmt.Sprintf("%d-01-01", 2010+2*i), 366*24*time.Hour)
		}
	}
}

func compare(t rapid.TB, e expression, zone, from string, long time.Duration) {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := time.Parse(time.DateOnly, from)
	if err != nil {
		t.Fatal(err)
	}
	table, err := Spec{Cron: e.text(), Zone: zone}.Timetable()
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Collect(table.Between(begin, begin.Add(long-time.Second)))
	if diff := cmp.Diff(e.walk(location, begin, begin.Add(long)), got); diff != "" {
		t.Errorf("%s in %s from %s (-walk +got):\n%s", e.text(), zone, from, diff)
	}
}
