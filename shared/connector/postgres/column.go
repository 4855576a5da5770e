package postgres

import (
	"fmt"

	"github.com/tarnhq/tarn/shared/connector"
)

// selected is the expression that reads the column of a table that is called t there.
func (c column) selected() string {
	if expr := c.base.codec().expr; expr != "" {
		return fmt.Sprintf(expr, "t."+quote(c.name))
	}
	return "t." + quote(c.name)
}

// literal writes a value of the column, given as PostgreSQL writes it.
func (c column) literal(text string) string { return quoteText(text) + "::" + c.typ }

// What a cursor can be, by how its window is written.
const (
	noCursor = iota
	timeCursor
	intCursor
	numericCursor
	textCursor
)

func (c column) cursorKind() int {
	switch c.base.name {
	case "timestamptz", "timestamp", "date":
		return timeCursor
	case "int2", "int4", "int8":
		return intCursor
	case "numeric":
		return numericCursor
	case "text", "varchar", "bpchar", "uuid":
		return textCursor
	}
	return noCursor
}

// cursor reports whether the column can be a cursor.
func (c column) cursor() bool { return c.cursorKind() != noCursor }

// finite is the condition that a cursor is a point to go on from. Behind infinity there is
// nothing, and a null is nowhere.
func (c column) finite() string {
	switch c.cursorKind() {
	case timeCursor:
		return "isfinite(" + quote(c.name) + ")"
	case numericCursor:
		return quote(c.name) + " < 'NaN'" // than which no number is greater
	}
	return quote(c.name) + " IS NOT NULL"
}

// from is the condition that a cursor is within the window before a value, or, strictly,
// behind it.
func (c column) from(value string, window connector.Window, strict bool) (string, error) {
	at := c.literal(value)
	if strict {
		return " > " + at, nil
	}
	switch c.cursorKind() {
	case timeCursor:
		back, err := window.Time()
		return fmt.Sprintf(" >= %s - interval '%d microseconds'", at, back.Microseconds()), err
	case intCursor:
		back, err := window.Span()
		return fmt.Sprintf(" >= %s::int8 - %d", at, back), err
	case numericCursor:
		back, err := window.Span()
		return fmt.Sprintf(" >= %s - %d", at, back), err
	}
	return " >= " + at, nil
}
