package scan

import (
	"math"
	"strconv"

	"github.com/tarnhq/tarn/events"
)

// literal is a number as it stands in the text.
type literal struct {
	end      int
	ok       bool   // it is a JSON number
	negative bool   //
	whole    bool   // it has neither fraction nor exponent
	digits   int    // leading zeros not counted
	mantissa uint64 // of its digits; right only up to 19 of them
	exponent int    // of ten
}

// scanNumber reads the number at i of text.
func scanNumber(text []byte, i int) literal {
	n := literal{whole: true}
	if i < len(text) && text[i] == '-' {
		n.negative = true
		i++
	}
	begin := i
	i = n.run(text, i)
	n.ok = i > begin && (text[begin] != '0' || i == begin+1)
	if i < len(text) && text[i] == '.' {
		begin = i + 1
		i = n.run(text, begin)
		n.ok = n.ok && i > begin
		n.whole = false
		n.exponent = begin - i
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		var ok bool
		i, ok = n.power(text, i+1)
		n.ok = n.ok && ok
		n.whole = false
	}
	n.end = i
	return n
}

func (n *literal) run(text []byte, i int) int {
	for i < len(text) && text[i]-'0' <= 9 {
		d := uint64(text[i] - '0')
		n.mantissa = n.mantissa*10 + d
		if n.digits > 0 || d > 0 {
			n.digits++
		}
		i++
	}
	return i
}

func (n *literal) power(text []byte, i int) (end int, ok bool) {
	negative := false
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		negative = text[i] == '-'
		i++
	}
	begin, e := i, 0
	for i < len(text) && text[i]-'0' <= 9 {
		e = min(e*10+int(text[i]-'0'), 1<<20)
		i++
	}
	if negative {
		e = -e
	}
	n.exponent += e
	return i, i > begin
}

func (r *Reader) number(v *events.Value) Flaw {
	n := scanNumber(r.Text, r.Pos)
	if !n.ok {
		return Syntax
	}
	text := share(r.Text[r.Pos:n.end])
	r.Pos = n.end
	if n.whole && !(n.digits == 0 && n.negative) {
		whole(v, n, text)
		return None
	}
	v.Kind = events.Float
	return float(v, n, text)
}

func whole(v *events.Value, n literal, text string) {
	v.Kind = events.Int
	if n.digits <= 18 {
		v.Int = int64(n.mantissa) // #nosec G115 -- at most 18 digits
		if n.negative {
			v.Int = -v.Int
		}
		return
	}
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		v.Kind, v.Text = events.Big, text
		return
	}
	v.Int = i
}

// float reads a number with at most 15 digits and a small exponent at once: both
// parts are then exact floats, and one operation rounds once.
func float(v *events.Value, n literal, text string) Flaw {
	if n.digits <= 15 && n.exponent >= -22 && n.exponent <= 22 {
		f := float64(n.mantissa)
		if n.exponent < 0 {
			f /= powers[-n.exponent]
		} else {
			f *= powers[n.exponent]
		}
		if n.negative {
			f = math.Copysign(f, -1)
		}
		v.Float = f
		return None
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f == 0 && n.digits > 0 {
		return NumberRange
	}
	v.Float = f
	return None
}

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
