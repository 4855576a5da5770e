package query

import (
	"encoding/json"
	"io"
	"strings"
)

// flushAt is the size at which an encoder hands on what it has.
const flushAt = 32 << 10

// WriteJSON writes an answer as the API gives it: columns, rows, version, stats.
func WriteJSON(w io.Writer, r Result) error {
	columns, err := json.Marshal(r.Columns)
	if err != nil {
		return err
	}
	b := append([]byte(`{"columns":`), columns...)
	b = append(b, `,"rows":[`...)
	for i, row := range r.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, v := range row {
			if j > 0 {
				b = append(b, ',')
			}
			b = v.AppendJSON(b)
		}
		b = append(b, ']')
		if b, err = flush(w, b, flushAt); err != nil {
			return err
		}
	}
	rest, err := r.rest()
	if err != nil {
		return err
	}
	b = append(b, `],`...)
	b = append(b, rest[1:]...)
	_, err = flush(w, append(b, '\n'), 0)
	return err
}

// rest returns what follows the rows.
func (r Result) rest() ([]byte, error) {
	if r.Versions != nil {
		return json.Marshal(struct {
			Versions any   `json:"versions"`
			Stats    Stats `json:"stats"`
		}{r.Versions, r.Stats})
	}
	return json.Marshal(struct {
		Version any          `json:"version"`
		Stats   Stats        `json:"stats"`
		Explain *Explanation `json:"explain,omitempty"`
	}{r.Version, r.Stats, r.Explain})
}

// WriteObjects writes an answer's rows as a JSON array of flat objects, for readers
// that know no columns.
func WriteObjects(w io.Writer, r Result) error {
	b := []byte{'['}
	var err error
	for i, row := range r.Rows {
		if i > 0 {
			b = append(b, ",\n"...)
		}
		b = append(b, '{')
		for j, v := range row {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, r.Columns[j].Name), ':')
			b = v.AppendJSON(b)
		}
		b = append(b, '}')
		if b, err = flush(w, b, flushAt); err != nil {
			return err
		}
	}
	_, err = flush(w, append(b, "]\n"...), 0)
	return err
}

// WriteCSV writes an answer's columns and rows as RFC 4180 has it. A null is an
// empty field, an empty text a quoted one. Texts are given as they are: whoever
// opens them in a spreadsheet must import them as text, because one that begins
// with =, +, - or @ would be taken for a formula.
func WriteCSV(w io.Writer, r Result) error {
	var b []byte
	for i, c := range r.Columns {
		b = appendField(separated(b, i), TextValue(c.Name))
	}
	b = append(b, "\r\n"...)
	var err error
	for _, row := range r.Rows {
		for i, v := range row {
			b = appendField(separated(b, i), v)
		}
		b = append(b, "\r\n"...)
		if b, err = flush(w, b, flushAt); err != nil {
			return err
		}
	}
	_, err = flush(w, b, 0)
	return err
}

func separated(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ',')
}

func appendField(b []byte, v Value) []byte {
	if v.kind != kindText {
		return v.AppendText(b)
	}
	if v.text != "" && !strings.ContainsAny(v.text, ",\"\r\n") {
		return append(b, v.text...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(v.text, `"`, `""`)...)
	return append(b, '"')
}

// flush writes b, if it is longer than some bytes, and returns what is left of it.
func flush(w io.Writer, b []byte, longer int) ([]byte, error) {
	if len(b) <= longer {
		return b, nil
	}
	_, err := w.Write(b)
	return b[:0], err
}

// Answer is an answer as WriteJSON writes it, for documentation.
type Answer struct {
	Columns []Column `json:"columns"`
	Rows    [][]any  `json:"rows" doc:"a value for each column: timestamps as RFC 3339 text in UTC, ints with all their digits"`
	Version uint64   `json:"version" doc:"of the dataset that was read"`
	Stats   Stats    `json:"stats"`

	Explain *Explanation `json:"explain,omitempty" doc:"what it cost, where that was asked"`
}
