package scan

// The times that are kept, in UTC microseconds: [1900-01-01, 2200-01-01).
const (
	minTime = -2208988800 * second
	maxTime = 7258118400 * second
	second  = 1_000_000
)

// Time reads an RFC 3339 time as UTC microseconds. Digits beyond microseconds are
// cut off. A leap second, which only the last minute of a UTC day can have, is the
// last microsecond before it: the order with what came before is kept.
func Time(s string) (int64, Flaw) {
	const layout = "2006-01-02T15:04:05"
	if len(s) < len(layout)+1 || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' ||
		s[10]|0x20 != 't' && s[10] != ' ' {
		return 0, BadTime
	}
	d := digits{s: s, ok: true}
	year, month, day := d.two(0)*100+d.two(2), d.two(5), d.two(8)
	hour, minute, sec := d.two(11), d.two(14), d.two(17)
	micros, rest := fraction(s[len(layout):])
	offset, ok := zone(rest)
	if !d.ok || !ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || sec > 60 {
		return 0, BadTime
	}
	leap := sec == 60
	if leap {
		sec, micros = 59, second-1
	}
	t := (daysSince1970(year, month, day)*86400+int64(hour*3600+minute*60+sec-offset))*second + int64(micros)
	const day86400 = 86400 * second
	if leap && ((t%day86400)+day86400)%day86400 != day86400-1 {
		return 0, BadTime
	}
	if t < minTime || t >= maxTime {
		return 0, TimeRange
	}
	return t, None
}

// InRange reports whether a time, in UTC microseconds, is one of those that are kept.
func InRange(t int64) bool { return t >= minTime && t < maxTime }

type digits struct {
	s  string
	ok bool
}

// two returns the number of two digits at i.
func (d *digits) two(i int) int {
	a, b := d.s[i]-'0', d.s[i+1]-'0'
	d.ok = d.ok && a <= 9 && b <= 9
	return int(a)*10 + int(b)
}

// fraction reads an optional fraction of a second. One without digits is left in
// rest, where no zone begins with a dot.
func fraction(s string) (micros int, rest string) {
	if s[0] != '.' {
		return 0, s
	}
	i, scale := 1, 100_000
	for i < len(s) && s[i]-'0' <= 9 {
		micros += int(s[i]-'0') * scale
		scale /= 10
		i++
	}
	if i == 1 {
		return 0, s
	}
	return micros, s[i:]
}

// zone reads an offset in seconds.
func zone(s string) (int, bool) {
	if len(s) == 1 {
		return 0, s[0]|0x20 == 'z'
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	d := digits{s: s, ok: true}
	hours, minutes := d.two(1), d.two(4)
	offset := hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, d.ok && hours <= 23 && minutes <= 59
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts in years that begin in March, so that the leap day is last. It
// is right from the year 1 on.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	return int64(365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468)
}
