package schedule

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
)

// following returns the next ticks of a schedule after an instant.
func following(t *testing.T, s Spec, after string, n int) (ticks []string) {
	t.Helper()
	table, err := s.Timetable()
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, after)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if at = table.Next(at); at.IsZero() {
			return ticks
		}
		ticks = append(ticks, at.Format(time.RFC3339))
	}
	return ticks
}

func TestEveryChangeOfTheClock(t *testing.T) {
	for claim, c := range map[string]struct {
		spec  Spec
		after string
		want  []string
	}{
		"a time in the skipped hour is due when the gap ends": {Spec{Cron: "30 2 * * *", Zone: "Europe/Zurich"}, "2024-03-30T12:00:00Z",
			[]string{"2024-03-31T01:00:00Z", "2024-04-01T00:30:00Z"}},
		"two times in the skipped hour are due once": {Spec{Cron: "0,30 2 * * *", Zone: "Europe/Zurich"}, "2024-03-30T12:00:00Z",
			[]string{"2024-03-31T01:00:00Z", "2024-04-01T00:00:00Z", "2024-04-01T00:30:00Z"}},
		"the end of the gap is due once, whoever means it": {Spec{Cron: "0 2,3 * * *", Zone: "Europe/Zurich"}, "2024-03-30T12:00:00Z",
			[]string{"2024-03-31T01:00:00Z", "2024-04-01T00:00:00Z", "2024-04-01T01:00:00Z"}},
		"a time in the doubled hour is due at the first of both": {Spec{Cron: "30 2 * * *", Zone: "Europe/Zurich"}, "2024-10-26T12:00:00Z",
			[]string{"2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"}},
		"every half hour goes on through the doubled hour": {Spec{Cron: "*/30 * * * *", Zone: "Europe/Zurich"}, "2024-10-26T23:59:00Z",
			[]string{"2024-10-27T00:00:00Z", "2024-10-27T00:30:00Z", "2024-10-27T01:00:00Z", "2024-10-27T01:30:00Z", "2024-10-27T02:00:00Z"}},
		"every two hours leaves out what the clock leaves out": {Spec{Cron: "15 */2 * * *", Zone: "Europe/Zurich"}, "2024-03-30T22:00:00Z",
			[]string{"2024-03-30T23:15:00Z", "2024-03-31T02:15:00Z"}},
		"midnight that is skipped is due at one": {Spec{Cron: "0 0 * * *", Zone: "America/Santiago"}, "2024-09-07T12:00:00Z",
			[]string{"2024-09-08T04:00:00Z", "2024-09-09T03:00:00Z"}},
		"an hour doubled before midnight is due once": {Spec{Cron: "30 23 * * *", Zone: "Asia/Beirut"}, "2024-10-26T12:00:00Z",
			[]string{"2024-10-26T20:30:00Z", "2024-10-27T21:30:00Z"}},
		"half an hour that is skipped": {Spec{Cron: "15 2 * * *", Zone: "Australia/Lord_Howe"}, "2024-10-05T12:00:00Z",
			[]string{"2024-10-05T15:30:00Z", "2024-10-06T15:15:00Z"}},
		"half an hour that is doubled": {Spec{Cron: "45 1 * * *", Zone: "Australia/Lord_Howe"}, "2025-04-05T12:00:00Z",
			[]string{"2025-04-05T14:45:00Z", "2025-04-06T15:15:00Z"}},
		"a day that is skipped is due when the next begins": {Spec{Cron: "0 9 * * *", Zone: "Pacific/Apia"}, "2011-12-29T12:00:00Z",
			[]string{"2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"}},
		"a rate knows no clocks": {Spec{Rate: "1 day", Start: time.Date(2024, 3, 30, 8, 0, 0, 0, time.UTC)}, "2024-03-29T00:00:00Z",
			[]string{"2024-03-30T08:00:00Z", "2024-03-31T08:00:00Z", "2024-04-01T08:00:00Z"}},
		"once is once":                {Spec{At: time.Date(2024, 3, 30, 8, 0, 0, 0, time.UTC)}, "2024-03-29T00:00:00Z", []string{"2024-03-30T08:00:00Z"}},
		"leap days":                   {Spec{Cron: "0 0 29 2 *"}, "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		"leap days on given weekdays": {Spec{Cron: "0 0 29 2 */6"}, "2024-03-01T00:00:00Z", []string{"2032-02-29T00:00:00Z", "2048-02-29T00:00:00Z"}},
		"the last day of a month":     {Spec{Cron: "0 0 15,L 2 *"}, "2023-02-20T00:00:00Z", []string{"2023-02-28T00:00:00Z", "2024-02-15T00:00:00Z", "2024-02-29T00:00:00Z"}},
		"a day of the month or of the week, where both are restricted":     {Spec{Cron: "0 0 13 * FRI"}, "2024-09-12T00:00:00Z", []string{"2024-09-13T00:00:00Z", "2024-09-20T00:00:00Z"}},
		"a day of the month and of the week, where one begins with a star": {Spec{Cron: "0 0 */2 * FRI"}, "2024-09-12T00:00:00Z", []string{"2024-09-13T00:00:00Z", "2024-09-27T00:00:00Z"}},
		"nothing before the start":                                         {Spec{Cron: "@daily", Start: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)}, "2024-01-01T00:00:00Z", []string{"2024-05-01T00:00:00Z"}},
	} {
		t.Run(claim, func(t *testing.T) {
			if diff := cmp.Diff(c.want, following(t, c.spec, c.after, len(c.want))); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := following(t, Spec{At: time.Date(2024, 3, 30, 8, 0, 0, 0, time.UTC)}, "2024-03-30T08:00:00Z", 1); got != nil {
		t.Errorf("after its one tick: %v", got)
	}
}

func TestTheSameExpressionInOtherWords(t *testing.T) {
	for text, same := range map[string]string{
		"@daily": "0 0 * * *", " 0\t0 * * * ": "0 0 * * *", "@Weekly": "0 0 * * 0", "0 0 * * 7": "0 0 * * 0", "0 0 * * SUN": "0 0 * * 0",
		"0 0 * jan-mar sat-sun": "0 0 * 1-3 6,0", "0 0 * * 5-7": "0 0 * * 5,6,0", "0/15 * * * *": "*/15 * * * *", "0 0 ? * MON": "0 0 ? * 1", "0 0 l * *": "0 0 L * *",
		"5-10/5,7 1 * * *": "5,7,10 1 * * *",
	} {
		a, err := parseCron(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if b, err := parseCron(same); err != nil || a != b {
			t.Errorf("%q is %+v, and %q %+v, %v", text, a, same, b, err)
		}
	}
}

func TestWhatIsNoScheduleIsRefusedWithAHint(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, s := range map[string]Spec{
		"nothing": {}, "two things": {Cron: "@daily", Rate: "1 day"}, "a time and a rate": {At: at, Rate: "1 day"},
		"seconds": {Cron: "0 0 0 * * *"}, "four fields": {Cron: "0 0 * *"}, "reboot": {Cron: "@reboot"}, "a minute of 60": {Cron: "60 * * * *"},
		"an hour of 24": {Cron: "0 24 * * *"}, "day zero": {Cron: "0 0 0 * *"}, "month 13": {Cron: "0 0 1 13 *"}, "weekday 8": {Cron: "0 0 * * 8"},
		"a range that goes down": {Cron: "0 22-5 * * *"}, "a step of nothing": {Cron: "*/0 * * * *"}, "a step over the end": {Cron: "*/90 * * * *"},
		"no step": {Cron: "*/ * * * *"}, "an empty part": {Cron: "1,,2 * * * *"}, "a sign": {Cron: "+1 * * * *"}, "a negative": {Cron: "-1 * * * *"},
		"thirtieth of February": {Cron: "0 0 30 2 *"}, "thirty-first of short months": {Cron: "0 0 31 2,4,6,9,11 *"}, "an impossible day with a starred weekday": {Cron: "0 0 30 2 */2"},
		"L elsewhere": {Cron: "0 L * * *"}, "a name in the wrong field": {Cron: "0 0 MON * *"}, "EventBridge's": {Cron: "cron(0 2 * * ? *)"},
		"a rate of nothing": {Rate: "0 minutes"}, "a rate of seconds": {Rate: "30 seconds"}, "a rate without a unit": {Rate: "15"}, "a rate too long": {Rate: "400 days"},
		"a rate that overflows": {Rate: "999999 weeks"}, "a zone that is none": {Cron: "@daily", Zone: "Europe/Nowhere"}, "the system's zone": {Cron: "@daily", Zone: "Local"},
		"a path for a zone": {Cron: "@daily", Zone: "../etc/passwd"}, "a start out of reach": {Rate: "1 day", Start: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := s.Timetable()
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		} else if e, ok := err.(*fault.Error); ok && e.Hint == "" && name != "a start out of reach" {
			t.Errorf("%s: %v has no hint", name, err)
		}
	}
}

func FuzzCron(f *testing.F) {
	for _, text := range []string{"30 2 * * 1-5", "*/15 0-6/2 L,15 JAN,3 sun", "@daily", "0 0 29 2 */6", "1-1/1 ? ? * ?", "0 0 31 4 *"} {
		f.Add(text, "Europe/Zurich", int64(1711843200))
	}
	f.Fuzz(func(t *testing.T, text, zone string, unix int64) {
		table, err := Spec{Cron: text, Zone: zone}.Timetable()
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%v is of kind %v", err, fault.KindOf(err))
			}
			return
		}
		at := time.Unix(unix%(1<<32), 0)
		if next := table.Next(at); next.IsZero() && !rare(text) || !next.IsZero() && !next.After(at) {
			t.Errorf("%q in %q after %v: %v", text, zone, at, next)
		}
	})
}

// rare reports whether an expression may be one that a zone never shows: a floating hour on
// single days that are all in a gap. Few have both.
func rare(text string) bool { return slices.Contains([]byte(text), '/') }

func FuzzRate(f *testing.F) {
	f.Add("15 minutes")
	f.Add("1 day")
	f.Fuzz(func(t *testing.T, text string) {
		every, err := parseRate(text)
		if (err == nil) != (every >= time.Minute && every <= longest) || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, %v", text, every, err)
		}
	})
}

func TestNextOfAnyInstantIsTheFirstOfThoseBetween(t *testing.T) {
	table, err := Spec{Cron: "7,37 1-4 * * *", Zone: "America/Havana"}.Timetable()
	if err != nil {
		t.Fatal(err)
	}
	rng, begin := rand.New(rand.NewPCG(1, 2)), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	all := slices.Collect(table.Between(begin, begin.AddDate(2, 0, 0)))
	for range 2000 {
		at := begin.Add(time.Duration(rng.Int64N(int64(700 * 24 * time.Hour))))
		i, found := slices.BinarySearchFunc(all, at, time.Time.Compare)
		if found {
			i++
		}
		if got := table.Next(at); !got.Equal(all[i]) {
			t.Fatalf("after %v: %v, want %v", at, got, all[i])
		}
	}
}
