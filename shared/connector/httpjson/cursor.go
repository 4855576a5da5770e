package httpjson

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// The formats in which an API is told since when.
const (
	inRFC3339   = "rfc3339"
	inDate      = "date"
	inUnix      = "unix"
	inUnixMilli = "unix_ms"
	inNumber    = "number"
)

// cursor is a value of a cursor column: a time in UTC microseconds, or a number that counts.
type cursor struct {
	Micros *int64 `json:"time,omitempty"`
	Number *int64 `json:"number,omitempty"`
}

// parseCursor reads a value that is not null. Numbers are times where the format that the
// API is asked in says so.
func parseCursor(value json.RawMessage, format string) (cursor, bool) {
	switch c := kindOf(value); {
	case c == '"':
		var s string
		if json.Unmarshal(value, &s) != nil {
			return cursor{}, false
		}
		at, ok := parseTime(s)
		return timeCursor(at), ok
	case c == '-' || c >= '0' && c <= '9':
		return parseNumber(string(value), format)
	}
	return cursor{}, false
}

func parseNumber(digits, format string) (cursor, bool) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil || format != inUnix || f < -1e11 || f > 1e11 {
			return cursor{}, false
		}
		return timeCursor(time.UnixMicro(int64(f * 1e6))), true
	}
	switch format {
	case inUnix:
		return timeCursor(time.Unix(n, 0)), n > -1e11 && n < 1e11
	case inUnixMilli:
		return timeCursor(time.UnixMilli(n)), n > -1e14 && n < 1e14
	}
	return cursor{Number: &n}, format == "" || format == inNumber
}

// layouts of times that are texts. Without a zone they are in UTC, as in a dataset.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, s); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func timeCursor(t time.Time) cursor {
	micros := t.UnixMicro()
	return cursor{Micros: &micros}
}

// after reports whether c is later than d. No cursor is later than the zero one.
func (c *cursor) after(d *cursor) bool {
	switch {
	case c == nil:
		return false
	case d == nil:
		return true
	case c.Micros != nil && d.Micros != nil:
		return *c.Micros > *d.Micros
	case c.Number != nil && d.Number != nil:
		return *c.Number > *d.Number
	}
	return c.Micros != nil // the column has become another: its times count
}

// latest returns the later of two.
func latest(c, d *cursor) *cursor {
	if c.after(d) {
		return c
	}
	return d
}

// upTo returns c, or a time if c is a later one.
func (c *cursor) upTo(t time.Time) *cursor {
	if end := timeCursor(t); c != nil && c.Micros != nil && c.after(&end) {
		return &end
	}
	return c
}

// less returns the cursor less a table's window.
func (c *cursor) less(w connector.Window) (*cursor, error) {
	if c.Micros != nil {
		d, err := w.Time()
		if err != nil {
			return nil, err
		}
		from := timeCursor(time.UnixMicro(*c.Micros).Add(-d))
		return &from, nil
	}
	span, err := w.Span()
	from := *c.Number - span
	return &cursor{Number: &from}, err
}

// told writes the cursor as an API is asked: rounded down to what the format has.
func (c *cursor) told(format string) (string, error) {
	if c.Number != nil {
		if format != "" && format != inNumber {
			return "", badCursor("is a number that counts, and since is asked in times")
		}
		return strconv.FormatInt(*c.Number, 10), nil
	}
	at := time.UnixMicro(*c.Micros).UTC()
	switch format {
	case inUnix:
		return strconv.FormatInt(floor(*c.Micros, 1e6), 10), nil
	case inUnixMilli:
		return strconv.FormatInt(floor(*c.Micros, 1e3), 10), nil
	case inDate:
		return at.Format(time.DateOnly), nil
	case inNumber:
		return "", badCursor("is a time, and since is asked in numbers")
	}
	return at.Format("2006-01-02T15:04:05Z"), nil // which cuts what is finer
}

func floor(n, unit int64) int64 {
	if n < 0 && n%unit != 0 {
		return n/unit - 1
	}
	return n / unit
}

func badCursor(what string) error {
	return fault.New(fault.Invalid, "bad_cursor", "the cursor %s", what).
		WithHint("a cursor is a time of RFC 3339 or a whole number; with since of format unix or unix_ms numbers are times")
}
