package tabular

// parseTime parses a date or a date and time, as UTC microseconds. Without a zone it is
// in UTC; finer digits than microseconds are cut. What is not ISO 8601 is read in the
// order given, years have four digits.
func parseTime(b []byte, order Order) (int64, bool) {
	if len(b) < 8 || len(b) > 40 || b[0] < '0' || b[0] > '9' {
		return 0, false
	}
	y, m, d, rest, ok := parseDate(b, order)
	if !ok || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	micros := daysSince1970(y, m, d) * 86400e6
	if len(rest) == 0 {
		return micros, true
	}
	clock, ok := parseClock(rest)
	if !ok {
		return 0, false
	}
	micros += clock
	return micros, micros >= firstTime && micros <= lastTime
}

// The times that have four digits of years, in UTC microseconds.
var (
	firstTime = daysSince1970(0, 1, 1) * 86400e6
	lastTime  = daysSince1970(10000, 1, 1)*86400e6 - 1
)

func parseDate(b []byte, order Order) (y, m, d int, rest []byte, ok bool) {
	var parts dateParts
	rest, ok = parts.scan(b)
	if !ok {
		return 0, 0, 0, nil, false
	}
	n := parts.number
	switch {
	case parts.iso():
		return n[0], n[1], n[2], rest, true
	case order == ISO || order == "":
		return 0, 0, 0, nil, false
	case parts.width[0] == 4 && parts.width[2] <= 2:
		return n[0], n[1], n[2], rest, true
	case parts.width[2] != 4 || parts.width[0] > 2:
		return 0, 0, 0, nil, false
	case order == DMY:
		return n[2], n[1], n[0], rest, true
	case order == MDY:
		return n[2], n[0], n[1], rest, true
	}
	return 0, 0, 0, nil, false
}

// dateParts are the three numbers of a date, in order.
type dateParts struct {
	number [3]int
	width  [3]int // digits
	sep    byte
}

func (p *dateParts) iso() bool { return p.sep == '-' && p.width == [3]int{4, 2, 2} }

func (p *dateParts) scan(b []byte) (rest []byte, ok bool) {
	i := 0
	for part := range p.number {
		if part > 0 {
			if i >= len(b) || b[i] != '-' && b[i] != '/' && b[i] != '.' || part == 2 && b[i] != p.sep {
				return nil, false
			}
			p.sep = b[i]
			i++
		}
		for ; i < len(b) && b[i]-'0' <= 9 && p.width[part] < 5; i++ {
			p.number[part] = p.number[part]*10 + int(b[i]-'0')
			p.width[part]++
		}
		if w := p.width[part]; w != 1 && w != 2 && w != 4 {
			return nil, false
		}
	}
	return b[i:], p.width[1] <= 2
}

// parseClock parses what follows a date: a T or a space, the time, and its zone if it
// has one.
func parseClock(b []byte) (micros int64, ok bool) {
	if b[0] != 'T' && b[0] != ' ' && b[0] != 't' {
		return 0, false
	}
	b = b[1:]
	hour, b, ok := upToTwo(b)
	if !ok || len(b) == 0 || b[0] != ':' {
		return 0, false
	}
	minute, b, ok := two(b[1:])
	if !ok {
		return 0, false
	}
	second := 0
	if len(b) > 0 && b[0] == ':' {
		if second, b, ok = two(b[1:]); !ok {
			return 0, false
		}
		micros, b = fraction(b)
	}
	hour, b, ok = halfDay(hour, b)
	if !ok || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	offset, ok := zone(b)
	return micros + int64(hour*3600+minute*60+second)*1e6 - offset, ok
}

func upToTwo(b []byte) (n int, rest []byte, ok bool) {
	if n, rest, ok = two(b); ok {
		return n, rest, true
	}
	if len(b) > 0 && b[0]-'0' <= 9 {
		return int(b[0] - '0'), b[1:], true
	}
	return 0, nil, false
}

func two(b []byte) (n int, rest []byte, ok bool) {
	if len(b) < 2 || b[0]-'0' > 9 || b[1]-'0' > 9 {
		return 0, nil, false
	}
	return int(b[0]-'0')*10 + int(b[1]-'0'), b[2:], true
}

func fraction(b []byte) (micros int64, rest []byte) {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' || b[1]-'0' > 9 {
		return 0, b
	}
	i, unit := 1, int64(100_000)
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		micros += int64(b[i]-'0') * unit
		unit /= 10
	}
	return micros, b[i:]
}

// halfDay applies AM or PM, if it follows.
func halfDay(hour int, b []byte) (int, []byte, bool) {
	if len(b) < 3 || b[0] != ' ' || b[2]|0x20 != 'm' || b[1]|0x20 != 'a' && b[1]|0x20 != 'p' {
		return hour, b, true
	}
	if hour < 1 || hour > 12 {
		return 0, nil, false
	}
	hour %= 12
	if b[1]|0x20 == 'p' {
		hour += 12
	}
	return hour, b[3:], true
}

// zone parses Z, UTC or an offset, as microseconds east of UTC.
func zone(b []byte) (int64, bool) {
	if len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	switch {
	case len(b) == 0, len(b) == 1 && b[0]|0x20 == 'z', string(b) == "UTC":
		return 0, true
	case b[0] != '+' && b[0] != '-':
		return 0, false
	}
	hours, rest, ok := two(b[1:])
	minutes := 0
	if ok && len(rest) > 0 {
		if rest[0] == ':' {
			rest = rest[1:]
		}
		minutes, rest, ok = two(rest)
	}
	if !ok || len(rest) > 0 || hours > 23 || minutes > 59 {
		return 0, false
	}
	offset := int64(hours*3600+minutes*60) * 1e6
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts days of the proleptic Gregorian calendar.
// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	ofEra := year - era*400
	ofYear := (153*(month-3)+2)/5 + day - 1
	return int64(era*146097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468)
}
