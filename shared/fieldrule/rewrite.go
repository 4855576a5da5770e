package fieldrule

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/events"
)

// rewriting copies JSON that is known to be valid, byte for byte but for the members that
// rules point at. Package json would give other numbers and escapes, and one of two
// members of a name.
type rewriting struct {
	*Application
	text     string
	at       int
	out      []byte
	anywhere []target // point from every object
}

// value copies the value at hand, within which targets point.
func (w *rewriting) value(targets []target) {
	w.space()
	switch w.text[w.at] {
	case '{':
		w.object(targets)
	case '[':
		w.array(targets)
	default:
		w.out = append(w.out, w.scalar()...)
	}
}

// array copies one: targets point through it.
func (w *rewriting) array(targets []target) {
	w.copy()
	for w.space(); w.text[w.at] != ']'; w.space() {
		if w.text[w.at] == ',' {
			w.copy()
			continue
		}
		w.value(targets)
	}
	w.copy()
}

func (w *rewriting) object(targets []target) {
	targets = append(targets[:len(targets):len(targets)], w.anywhere...)
	w.copy()
	first := true
	for w.space(); w.text[w.at] != '}'; w.space() {
		if w.text[w.at] == ',' {
			w.at++
			continue
		}
		before := len(w.out)
		if !first {
			w.out = append(w.out, ',')
		}
		if !w.member(targets) {
			w.out = w.out[:before]
			continue
		}
		first = false
	}
	w.copy()
}

// member copies the member at hand. It reports false when that goes.
func (w *rewriting) member(targets []target) bool {
	quoted := w.scalar()
	w.out = append(w.out, quoted...)
	w.space()
	w.copy() // the colon
	treat, into := follow(targets, unquoted(quoted))
	if treat == "" {
		w.value(into)
		return true
	}
	text := w.skip()
	if treat == Hash && text == "null" {
		w.out = append(w.out, text...)
		return true
	}
	treated, ok := w.treat(treat, plain(text), text[0] == '"')
	w.out = append(append(append(w.out, '"'), treated...), '"') // hexadecimal digits, or an address
	return ok
}

// skip passes over a value and returns it.
func (w *rewriting) skip() string {
	w.space()
	start, depth := w.at, 0
	for {
		switch w.text[w.at] {
		case '{', '[':
			depth++
			w.at++
		case '}', ']':
			depth--
			w.at++
		case ',', ':', ' ', '\t', '\n', '\r':
			w.at++
		default:
			w.scalar()
		}
		if depth == 0 {
			return w.text[start:w.at]
		}
	}
}

// scalar passes over a string, a number or a word, and returns it.
func (w *rewriting) scalar() string {
	start := w.at
	if w.text[w.at] != '"' {
		for w.at < len(w.text) && strings.IndexByte(",:]} \t\n\r", w.text[w.at]) < 0 {
			w.at++
		}
		return w.text[start:w.at]
	}
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.text[start:w.at]
}

func (w *rewriting) space() {
	for w.at < len(w.text) && strings.IndexByte(" \t\n\r", w.text[w.at]) >= 0 {
		w.at++
	}
}

func (w *rewriting) copy() {
	w.out = append(w.out, w.text[w.at])
	w.at++
}

// unquoted reads a string of JSON.
func unquoted(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	_ = json.Unmarshal([]byte(quoted), &s) // a string of JSON that is valid
	return s
}

// plain is what is hashed of a value: the same as of a property.
func plain(text string) string {
	if text[0] == '"' {
		return unquoted(text)
	}
	if strings.IndexByte("-0123456789", text[0]) >= 0 && strings.ContainsAny(text, ".eE") {
		number, _ := strconv.ParseFloat(text, 64)
		return textOf(&events.Value{Kind: events.Float, Float: number})
	}
	var compact bytes.Buffer
	_ = json.Compact(&compact, []byte(text)) // valid
	return compact.String()
}
