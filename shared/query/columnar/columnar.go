// Package columnar writes answers as Arrow and as Parquet, with columns of the types
// that those have for them. It is apart from package query because few need it, and
// Arrow is large.
package columnar

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/query"
)

// form is how the values of a column stand in a file.
type form uint8

const (
	boolean form = iota
	integer      // 64 bits
	number       // a decimal of 38 digits
	float
	text
	bytes
	instant // UTC microseconds
	date    // days since 1970-01-01
	clock   // microseconds of a day
)

// precision of decimals, in digits.
const precision = 38

// layout is the form of a column, and of decimals the digits after the point.
type layout struct {
	form  form
	scale int32
}

var forms = map[query.Type]form{
	query.Bool: boolean, query.Float: float, query.Timestamp: instant, query.Date: date, query.TimeDay: clock, query.Blob: bytes,
}

// layoutOf finds the layout of a column. Ints that pass 64 bits somewhere in it make
// it a decimal; a decimal takes its scale from its values, all of which have the same.
func layoutOf(r query.Result, column int) layout {
	t := r.Columns[column].Type
	if t != query.Int && t != query.Decimal {
		f, has := forms[t]
		if !has {
			f = text
		}
		return layout{form: f}
	}
	out := layout{form: integer}
	if t == query.Decimal {
		out.form = number
	}
	for _, row := range r.Rows {
		digits := row[column].Text() // of what passes 64 bits, or has a point
		if digits == "" {
			continue
		}
		_, fraction, _ := strings.Cut(digits, ".")
		out.form, out.scale = number, int32(len(fraction)) // #nosec G115 -- digits of a number
		if len(strings.TrimLeft(digits, "-"))-min(1, len(fraction)) > precision {
			return layout{form: text}
		}
	}
	return out
}

// unscaled returns a number times ten to the power of a scale.
func unscaled(v query.Value, scale int32) (*big.Int, error) {
	digits := string(v.AppendText(nil))
	whole, fraction, _ := strings.Cut(digits, ".")
	if len(fraction) > int(scale) {
		return nil, fmt.Errorf("%s has more than %d digits after the point", digits, scale)
	}
	out, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", int(scale)-len(fraction)), 10)
	if !ok {
		return nil, fmt.Errorf("%s is no number", digits)
	}
	return out, nil
}

func daysOf(v query.Value) (int32, error) {
	t, err := time.Parse(time.DateOnly, v.Text())
	return int32(t.Unix() / 86400), err // #nosec G115 -- a day of the years 0 to 9999; no second of a date is lost
}

func clockOf(v query.Value) (int64, error) {
	var hour, minute int64
	var second float64
	if _, err := fmt.Sscanf(v.Text(), "%d:%d:%f", &hour, &minute, &second); err != nil {
		return 0, fmt.Errorf("%q is no time of day: %w", v.Text(), err)
	}
	return (hour*60+minute)*60e6 + int64(second*1e6+0.5), nil
}

func bytesOf(v query.Value) ([]byte, error) { return base64.StdEncoding.DecodeString(v.Text()) }
