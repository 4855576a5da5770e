package sqltable

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/rows"
)

// cell is a value of a row, as text. What the driver has as text or bytes is good until
// the next row.
type cell struct {
	text []byte // nil: null
	own  []byte // of numbers and times
}

// Scan implements sql.Scanner.
func (c *cell) Scan(value any) error {
	own := c.own[:0]
	switch v := value.(type) {
	case nil:
		c.text = nil
		return nil
	case []byte:
		c.text = v
		if v == nil {
			c.text = own
		}
		return nil
	case string:
		own = append(own, v...)
	case int64:
		own = strconv.AppendInt(own, v, 10)
	case bool:
		own = strconv.AppendBool(own, v)
	case float32:
		own = strconv.AppendFloat(own, float64(v), 'g', -1, 32)
	case float64:
		own = strconv.AppendFloat(own, v, 'g', -1, 64)
	case time.Time:
		own = v.AppendFormat(own, time.RFC3339Nano)
	default:
		return fmt.Errorf("a value of type %T", value)
	}
	if own == nil {
		own = []byte{}
	}
	c.text, c.own = own, own
	return nil
}

// AddInt adds a whole number. One beyond 64 bits does not fit.
func AddInt(v *rows.Values, text []byte) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		v.Misfit(text)
		return
	}
	v.AddInt(n)
}

// AddBool adds what is written 1 and 0, or true and false.
func AddBool(v *rows.Values, text []byte) {
	b, err := strconv.ParseBool(string(text))
	if err != nil {
		v.Misfit(text)
		return
	}
	v.AddBool(b)
}

// AddFloat adds a number.
func AddFloat(v *rows.Values, text []byte) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		v.Misfit(text)
		return
	}
	v.AddFloat(f)
}

// AddHex adds bytes as hex digits.
func AddHex(v *rows.Values, text []byte) { v.AddText(hex.AppendEncode(nil, text)) }

// AddTime returns what adds a time that is written so. Digits beyond microseconds, which a
// dataset's time ends at, are cut; days that the calendar has not do not fit.
func AddTime(layout string) func(*rows.Values, []byte) {
	return func(v *rows.Values, text []byte) {
		t, err := time.Parse(layout, string(text))
		if err != nil {
			v.Misfit(text)
			return
		}
		v.AddTime(t.UnixMicro())
	}
}
