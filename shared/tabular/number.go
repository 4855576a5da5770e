package tabular

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/tarnhq/tarn/shared/dataset"
)

// parseInt parses an integer as it is written by who means a number: no sign but a
// minus, no leading zeros, 64 bits. "007" and "+1" are texts, and so is "-0", which an
// int does not hold.
func parseInt(b []byte) (int64, bool) {
	negative := len(b) > 1 && b[0] == '-'
	digits := b
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range digits {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d) // 19 digits fit
	}
	if negative {
		return -int64(n), n <= 1<<63 // #nosec G115 -- the smallest int is its own negative
	}
	return int64(n), n < 1<<63 // #nosec G115 -- checked
}

// decimalText is a number with a fraction or an exponent, taken apart.
type decimalText struct {
	negative bool
	mantissa uint64 // of at most 19 digits
	digits   int
	exponent int
	exact    bool // mantissa holds all digits
	integer  int  // digits before the point
	point    bool
	power    byte // 0, or what begins the exponent: a sign, or else 'e'
}

// parseFloat parses a decimal fraction, correctly rounded. Integers are none, and neither
// is 12E4, which is a name more often than a number: an exponent has a sign, or a
// fraction before it. Nor is what a float holds as infinite or as zero only.
func parseFloat(b []byte, point byte) (float64, bool) {
	d, ok := scanDecimal(b, point)
	if !ok || !d.point && (d.power == 0 || d.power == 'e') {
		return 0, false
	}
	if d.integer > 1 && leadingZero(b) {
		return 0, false
	}
	return d.float(b, point)
}

func leadingZero(b []byte) bool { return b[0] == '0' || b[0] == '-' && b[1] == '0' }

func scanDecimal(b []byte, point byte) (d decimalText, ok bool) {
	i := 0
	if len(b) > 0 && b[0] == '-' {
		d.negative, i = true, 1
	}
	d.exact = true
	begin := i
	i = d.run(b, i)
	d.integer = i - begin
	if i < len(b) && b[i] == point {
		d.point = true
		fraction := i + 1
		i = d.run(b, fraction)
		d.exponent -= i - fraction
		if d.integer == 0 && i == fraction {
			return d, false
		}
	} else if d.integer == 0 {
		return d, false
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i, ok = d.exponentAt(b, i+1)
		if !ok {
			return d, false
		}
	}
	return d, i == len(b)
}

// run adds digits to the mantissa.
func (d *decimalText) run(b []byte, i int) int {
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		if d.digits == 19 {
			d.exact = false
			continue
		}
		d.mantissa = d.mantissa*10 + uint64(c)
		if d.mantissa > 0 {
			d.digits++
		}
	}
	return i
}

func (d *decimalText) exponentAt(b []byte, i int) (end int, ok bool) {
	d.power = 'e'
	negative := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		d.power, negative, i = b[i], b[i] == '-', i+1
	}
	begin, e := i, 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		e = min(e*10+int(b[i]-'0'), 1e6)
	}
	if negative {
		e = -e
	}
	d.exponent += e
	return i, i > begin
}

var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float is the nearest float. Two exact floats have a correctly rounded product and
// quotient (Clinger 1990); the rest is strconv's.
func (d *decimalText) float(b []byte, point byte) (float64, bool) {
	if d.exact && d.mantissa <= 1<<53 && d.exponent >= -22 && d.exponent <= 22 {
		f := float64(d.mantissa)
		if d.exponent < 0 {
			f /= powers[-d.exponent]
		} else {
			f *= powers[d.exponent]
		}
		if d.negative {
			f = -f
		}
		return f, true
	}
	text := unsafe.String(unsafe.SliceData(b), len(b)) // #nosec G103 -- not kept
	if point != '.' {
		text = pointed(b, point)
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && (f != 0 || d.mantissa == 0)
}

func pointed(b []byte, point byte) string {
	text := []byte(string(b))
	for i, c := range text {
		if c == point {
			text[i] = '.'
		}
	}
	return string(text)
}

// lenientInt parses an integer of a column that is known to hold integers.
func lenientInt(b []byte) (int64, bool) {
	if !decimalDigits(b) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// lenientFloat parses a number of a column that is known to hold floats. An integer that
// no float holds is none, as everywhere.
func lenientFloat(b []byte, point byte) (float64, bool) {
	if n, ok := lenientInt(b); ok {
		return float64(n), dataset.ExactFloat(n)
	}
	if len(b) > 1 && b[0] == '+' && b[1] != '-' {
		b = b[1:]
	}
	d, ok := scanDecimal(b, point)
	if !ok || !d.point && d.power == 0 {
		return 0, false
	}
	return d.float(b, point)
}

func decimalDigits(b []byte) bool {
	if len(b) > 1 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
