package tabular

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
)

// cell is a value of a record. Its kind is empty for null.
type cell struct {
	kind  dataset.Type
	int   int64   // Bool, Int, Time
	float float64 // Float
	text  []byte  // Text, JSON
}

func textCell(b []byte) cell { return cell{kind: dataset.Text, text: b} }

// wide reports whether no float holds the cell's int.
func (v *cell) wide() bool { return v.kind == dataset.Int && !dataset.ExactFloat(v.int) }

// column is the column that the cell alone would make.
func (v *cell) column() dataset.Column { return dataset.Column{Type: v.kind, Wide: v.wide()} }

// as returns the cell as a type, if that holds it as it is.
func (v *cell) as(to dataset.Type) (cell, bool) {
	switch {
	case v.kind == to:
		return *v, true
	case to == dataset.Float:
		return cell{kind: to, float: float64(v.int)}, v.kind == dataset.Int && dataset.ExactFloat(v.int)
	case to == dataset.Text:
		return cell{kind: to, text: v.appendText(nil)}, v.kind != dataset.JSON
	case to == dataset.JSON:
		if v.kind == dataset.Text || v.kind == dataset.Time {
			return cell{kind: to, text: appendQuoted(nil, v.appendText(nil))}, true
		}
		return cell{kind: to, text: v.appendText(nil)}, true
	}
	return cell{}, false
}

// appendText appends the cell as text columns hold it.
func (v *cell) appendText(dst []byte) []byte {
	switch v.kind {
	case dataset.Bool:
		return strconv.AppendBool(dst, v.int != 0)
	case dataset.Int:
		return strconv.AppendInt(dst, v.int, 10)
	case dataset.Float:
		return append(dst, dataset.FormatFloat(v.float)...)
	case dataset.Time:
		return append(dst, dataset.FormatTime(v.int)...)
	default:
		return append(dst, v.text...)
	}
}

// appendQuoted appends valid UTF-8 as a JSON string, as package rows writes it.
func appendQuoted(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, '"')
}

// syntax is how texts of a file write values.
type syntax struct {
	point byte
	order Order
	nulls [][]byte
	empty bool // the empty text is among the nulls
	max   int  // length of the longest null
}

func newSyntax(o Options) syntax {
	s := syntax{point: '.', order: o.Dates}
	if o.Decimal != "" {
		s.point = o.Decimal[0]
	}
	for _, text := range o.Nulls {
		s.nulls = append(s.nulls, []byte(text))
		s.empty = s.empty || text == ""
		s.max = max(s.max, len(text))
	}
	return s
}

// null reports whether a text stands for no value. Blanks do where nothing does.
func (s *syntax) null(b []byte) bool {
	if len(b) == 0 {
		return s.empty
	}
	if b[0] == ' ' {
		if b = bytes.Trim(b, " "); len(b) == 0 {
			return s.empty
		}
	}
	if len(b) > s.max {
		return false
	}
	for _, text := range s.nulls {
		if string(b) == string(text) {
			return true
		}
	}
	return false
}

// infer returns what a text that is not null looks like. Spaces around numbers, times
// and truth values are no part of them.
func (s *syntax) infer(b []byte) cell {
	t := bytes.Trim(b, " ")
	if len(t) > 40 || len(t) == 0 {
		return textCell(b)
	}
	if c := t[0]; c-'0' <= 9 || c == '-' || c == s.point {
		if n, ok := parseInt(t); ok {
			return cell{kind: dataset.Int, int: n}
		}
		if f, ok := parseFloat(t, s.point); ok {
			return cell{kind: dataset.Float, float: f}
		}
		if micros, ok := parseTime(t, s.order); ok {
			return cell{kind: dataset.Time, int: micros}
		}
		return textCell(b)
	}
	if truth, ok := parseBool(t); ok {
		return cell{kind: dataset.Bool, int: truth}
	}
	return textCell(b)
}

// read reads a text that is not null as a value of a type that is given.
func (s *syntax) read(b []byte, as dataset.Type) (v cell, ok bool) {
	v.kind = as
	t := bytes.Trim(b, " ")
	switch as {
	case dataset.Bool:
		v.int, ok = lenientBool(t)
	case dataset.Int:
		v.int, ok = lenientInt(t)
	case dataset.Float:
		v.float, ok = lenientFloat(t, s.point)
	case dataset.Time:
		v.int, ok = parseTime(t, s.order)
	case dataset.JSON:
		var compact bytes.Buffer
		ok = !deep(t) && json.Compact(&compact, t) == nil
		v.text = compact.Bytes()
	default:
		v.text, ok = b, true
	}
	return v, ok
}

func parseBool(b []byte) (int64, bool) {
	switch string(b) {
	case "true", "True", "TRUE":
		return 1, true
	case "false", "False", "FALSE":
		return 0, true
	}
	return 0, false
}

// lenientBool reads a value of a column that is known to hold truth values.
func lenientBool(b []byte) (int64, bool) {
	switch string(bytes.ToLower(b)) {
	case "true", "t", "yes", "y", "1":
		return 1, true
	case "false", "f", "no", "n", "0":
		return 0, true
	}
	return 0, false
}

// deep reports whether brackets nest deeper than maxDepth.
func deep(b []byte) bool {
	depth, text := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
