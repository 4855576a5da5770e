package tabular

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/dataset"
)

// objectReader adds JSON objects to a table, their members being its columns.
type objectReader struct {
	table  *table
	record []place
	seen   map[string]bool
	buffer []byte
}

func (o *objectReader) reject(line int64, code, reason string, raw []byte) {
	o.table.reject(Bad{Line: line, Code: code, Reason: reason, Raw: mended(raw)})
}

// add adds a record, or rejects it if it is no JSON object that a row can hold. It fails
// when the table has no room for its columns.
func (o *objectReader) add(line int64, raw []byte) error {
	switch {
	case !utf8.Valid(raw):
		o.reject(line, "bad_encoding", "the record is no text in the file's encoding; the option encoding sets another", raw)
	case deep(raw):
		o.reject(line, "too_deep", "JSON nests deeper than 200 brackets", raw)
	case !json.Valid(raw):
		o.reject(line, "bad_json", "the record is no JSON", raw)
	case raw[0] != '{':
		o.reject(line, "not_an_object", "a record is a JSON object, with a member for each column", raw)
	default:
		return o.valid(line, raw)
	}
	return nil
}

// valid adds a JSON object.
func (o *objectReader) valid(line int64, raw []byte) error {
	o.record, o.buffer = o.record[:0], o.buffer[:0]
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	clear(o.seen)
	for m := (members{rest: raw[1:]}); m.next(); {
		name, ok := o.unquote(m.name)
		if !ok || len(name) == 0 || len(name) > 200 || bytes.IndexByte(name, 0) >= 0 {
			o.reject(line, "bad_column_name", "a member's name has 1 to 200 bytes, none of them zero", raw)
			return nil
		}
		if o.seen[string(name)] {
			o.reject(line, "duplicate_name", "two members of the object have the same name", raw)
			return nil
		}
		o.seen[string(name)] = true
		v, ok := o.cell(m.value)
		if !ok {
			o.reject(line, "bad_escape", "an escape in a string is half of a character", raw)
			return nil
		}
		p, err := o.table.place(name, v)
		if err != nil {
			return err
		}
		o.record = append(o.record, p)
		if len(o.record) > dataset.MaxColumns {
			return tooManyColumns()
		}
	}
	return o.table.add(line, o.record, func() []byte { return raw })
}

// members walks an object that is known to be JSON.
type members struct{ rest, name, value []byte }

func (m *members) next() bool {
	m.rest = m.rest[spaces(m.rest):]
	if m.rest[0] == ',' {
		m.rest = m.rest[1+spaces(m.rest[1:]):]
	}
	if m.rest[0] == '}' {
		return false
	}
	n := frameString(m.rest)
	m.name, m.rest = m.rest[:n], m.rest[n:]
	m.rest = m.rest[spaces(m.rest)+1:] // the colon
	m.rest = m.rest[spaces(m.rest):]
	n = frame(m.rest, true)
	m.value, m.rest = m.rest[:n], m.rest[n:]
	return true
}

// cell returns a JSON value. A number that neither an int nor a float holds is text. It
// fails for text that no UTF-8 holds.
func (o *objectReader) cell(raw []byte) (v cell, ok bool) {
	switch raw[0] {
	case 'n':
		return cell{}, true
	case 't':
		return cell{kind: dataset.Bool, int: 1}, true
	case 'f':
		return cell{kind: dataset.Bool}, true
	case '"':
		text, ok := o.unquote(raw)
		if !ok || o.table.syntax.null(text) {
			return cell{}, ok
		}
		return textCell(text), true
	case '{', '[':
		begin := len(o.buffer)
		compact := bytes.NewBuffer(o.buffer)
		_ = json.Compact(compact, raw) // it is JSON
		o.buffer = compact.Bytes()
		return cell{kind: dataset.JSON, text: o.buffer[begin:]}, true
	}
	if n, ok := parseInt(raw); ok {
		return cell{kind: dataset.Int, int: n}, true
	}
	if d, ok := scanDecimal(raw, '.'); ok && (d.point || d.power != 0 || d.mantissa == 0) {
		if f, ok := d.float(raw, '.'); ok {
			return cell{kind: dataset.Float, float: f}, true
		}
	}
	return textCell(raw), true
}

// unquote returns the text of a JSON string. It fails where an escape is half of a pair
// of surrogates.
func (o *objectReader) unquote(raw []byte) ([]byte, bool) {
	body := raw[1 : len(raw)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return body, true
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is JSON
	text := []byte(s)
	given := bytes.Count(body, replacement) + bytes.Count(bytes.ToLower(body), []byte(`\ufffd`))
	return text, bytes.Count(text, replacement) <= given
}
