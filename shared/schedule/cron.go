package schedule

import (
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// cron is a cron expression: sets of values, bit n for the value n.
type cron struct {
	minutes, hours, days, months, weekdays uint64

	last    bool // the last day of a month, too
	either  bool // a day matches by its number or by its weekday; else by both
	floated bool // by the hours: fires whenever the clock shows a time, not once a day for each
}

// field is one of the five.
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on
}

var (
	months   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdays = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	fields   = [5]field{{"minute", 0, 59, nil}, {"hour", 0, 23, nil}, {"day of month", 1, 31, nil}, {"month", 1, 12, months}, {"day of week", 0, 6, weekdays}}
)

var nicknames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// maxExpression bounds the text of an expression in bytes.
const maxExpression = 200

// parseCron reads five fields as crontab(5) does, or a nickname such as @daily.
func parseCron(text string) (cron, error) {
	if len(text) > maxExpression {
		return cron{}, badCron("an expression has at most %d bytes", maxExpression)
	}
	if long, ok := nicknames[strings.ToLower(strings.TrimSpace(text))]; ok {
		text = long
	}
	words := strings.Fields(text)
	if len(words) != len(fields) {
		return cron{}, badCron("%.60q has not five fields", text).
			WithHint("minute, hour, day of month, month and day of week, without seconds or years: 30 2 * * 1-5; or @hourly, @daily, @weekly, @monthly, @yearly")
	}
	c := cron{}
	if rest, ok := withoutLast(words[2]); ok {
		c.last, words[2] = true, rest
	}
	for i, set := range []*uint64{&c.minutes, &c.hours, &c.days, &c.months, &c.weekdays} {
		if words[i] == "" { // the last day alone
			continue
		}
		var err error
		if *set, err = fields[i].parse(words[i]); err != nil {
			return cron{}, err
		}
	}
	c.either = !strings.HasPrefix(words[2], "*") && !strings.HasPrefix(words[4], "*")
	c.floated = strings.HasPrefix(words[1], "*") || strings.Contains(words[1], "/")
	if !c.fires() {
		return cron{}, badCron("%q never fires: none of its months has such a day", text).WithHint("L is the last day of a month, however long it is")
	}
	return c, nil
}

// withoutLast takes L out of a list of days, and tells whether it was there.
func withoutLast(list string) (rest string, found bool) {
	var days []string
	for _, day := range strings.Split(list, ",") {
		if strings.EqualFold(day, "L") {
			found = true
		} else {
			days = append(days, day)
		}
	}
	return strings.Join(days, ","), found
}

// fires reports whether any month of the expression has a day of it.
func (c cron) fires() bool {
	if c.last || c.either {
		return true
	}
	for m := time.January; m <= time.December; m++ {
		longest := time.Date(2024, m+1, 0, 0, 0, 0, 0, time.UTC).Day() // of a leap year
		if has(c.months, int(m)) && bits.TrailingZeros64(c.days) <= longest {
			return true
		}
	}
	return false
}

// parse reads a list such as "1-5,10,*/15".
func (f field) parse(list string) (set uint64, err error) {
	for _, part := range strings.Split(list, ",") {
		span, step, stepped := strings.Cut(part, "/")
		low, high, err := f.span(span, stepped)
		if err != nil {
			return 0, err
		}
		by := 1
		if stepped {
			if by, err = number(step); err != nil || by < 1 || by > f.max-f.min {
				return 0, f.bad(part).WithHint("a step is from 1 to %d; for a longer interval use a rate, such as 90 minutes", f.max-f.min)
			}
		}
		for v := low; v <= high; v += by {
			set |= 1 << f.wrap(v)
		}
	}
	return set, nil
}

// span reads "*", "a", "a-b", and with a step "a" for "from a on".
func (f field) span(text string, stepped bool) (low, high int, err error) {
	if text == "*" || text == "?" && f.isDay() {
		return f.min, f.max, nil
	}
	first, last, ranged := strings.Cut(text, "-")
	if low, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		if high, err = f.value(last); err != nil {
			return 0, 0, err
		}
		if high == 0 && low > 0 && f.isWeekday() {
			high = 7 // SAT-SUN
		}
	case stepped:
		high = f.max
	default:
		high = low
	}
	if low > high {
		return 0, 0, f.bad(text).WithHint("a range goes up; one that goes over the end is two: 22-23,0-5")
	}
	return low, high, nil
}

func (f field) isWeekday() bool { return f.max == 6 }
func (f field) isDay() bool     { return f.max == 31 || f.isWeekday() }

// wrap makes Sunday of 7.
func (f field) wrap(v int) int {
	if f.isWeekday() {
		return v % 7
	}
	return v
}

func (f field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	n, err := number(text)
	most := f.max
	if f.isWeekday() {
		most = 7
	}
	if err != nil || n < f.min || n > most {
		return 0, f.bad(text)
	}
	return n, nil
}

// number reads digits, and nothing else that Atoi takes for a number.
func number(text string) (int, error) {
	if strings.Trim(text, "0123456789") != "" || len(text) > 6 {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}

func (f field) bad(text string) *fault.Error {
	hint := "%d to %d, *, lists with commas, ranges with -, steps with /"
	if f.names != nil {
		hint += ", or " + f.names[0] + " to " + f.names[len(f.names)-1]
	}
	if f.max == 31 {
		hint += ", and L for the last"
	}
	return badCron("%.40q is no %s", text, f.name).WithHint(hint, f.min, f.max)
}

func badCron(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "bad_cron", format, args...)
}

func has(set uint64, v int) bool { return set&(1<<v) != 0 }
