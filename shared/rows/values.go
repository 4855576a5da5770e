package rows

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
)

// ValueBuilder makes a batch of rows, value by value. A value that the type of its column does
// not hold makes the column one of texts in this batch, in which those that do fit stand as
// a widened column has them: nothing is coerced.
type ValueBuilder struct {
	columns []Values
	len     int
}

// Values are the values of one column.
type Values struct{ Column }

// NewValueBuilder returns an empty ValueBuilder.
func NewValueBuilder(columns []dataset.Column) *ValueBuilder {
	b := &ValueBuilder{columns: make([]Values, len(columns))}
	for i, c := range columns {
		b.columns[i].Column.Column = c
	}
	return b
}

// Column returns a column, to which one value a row must be added.
func (b *ValueBuilder) Column(i int) *Values { return &b.columns[i] }

// EndRow ends a row: every column has got its value.
func (b *ValueBuilder) EndRow() { b.len++ }

// Len returns the number of rows.
func (b *ValueBuilder) Len() int { return b.len }

// Batch returns the rows. The ValueBuilder is not used after it.
func (b *ValueBuilder) Batch() Batch {
	out := Batch{Columns: make([]Column, len(b.columns)), Len: b.len}
	for i := range b.columns {
		out.Columns[i] = b.columns[i].Column
	}
	return out
}

// Size returns the bytes of memory that the rows take.
func (b *ValueBuilder) Size() (n int64) {
	for i := range b.columns {
		c := &b.columns[i]
		n += int64(len(c.Column.Null) + 8*len(c.Ints) + 8*len(c.Column.Float) + 4*len(c.Ends) + len(c.Bytes))
	}
	return n
}

// rows counts the values so far.
func (v *Values) rows() int {
	switch v.Type {
	case dataset.Float:
		return len(v.Column.Float)
	case dataset.Text, dataset.JSON:
		return len(v.Ends)
	}
	return len(v.Ints)
}

// AddNull adds a null.
func (v *Values) AddNull() {
	if v.Null == nil {
		v.Null = make([]bool, v.rows(), v.rows()+64)
	}
	v.Null = append(v.Null, true)
	v.zero()
}

func (v *Values) zero() {
	switch v.Type {
	case dataset.Float:
		v.Column.Float = append(v.Column.Float, 0)
	case dataset.Text, dataset.JSON:
		v.end()
	default:
		v.Ints = append(v.Ints, 0)
	}
}

// end ends the text of a row.
func (v *Values) end() { v.Ends = append(v.Ends, uint32(len(v.Bytes))) } // #nosec G115 -- batches are bounded far below 4 GB

func (v *Values) present() {
	if v.Null != nil {
		v.Null = append(v.Null, false)
	}
}

// AddInt adds a whole number.
func (v *Values) AddInt(n int64) {
	if v.Type != dataset.Int {
		v.Misfit(strconv.AppendInt(nil, n, 10))
		return
	}
	v.present()
	v.Ints = append(v.Ints, n)
}

// AddBool adds a truth value.
func (v *Values) AddBool(b bool) {
	if v.Type != dataset.Bool {
		v.Misfit(strconv.AppendBool(nil, b))
		return
	}
	v.present()
	n := int64(0)
	if b {
		n = 1
	}
	v.Ints = append(v.Ints, n)
}

// AddTime adds a time in UTC microseconds.
func (v *Values) AddTime(micros int64) {
	if v.Type != dataset.Time {
		v.Misfit([]byte(dataset.FormatTime(micros)))
		return
	}
	v.present()
	v.Ints = append(v.Ints, micros)
}

// AddFloat adds a number. Those that are none do not fit.
func (v *Values) AddFloat(f float64) {
	if v.Type != dataset.Float || math.IsNaN(f) || math.IsInf(f, 0) {
		v.Misfit([]byte(dataset.FormatFloat(f)))
		return
	}
	v.present()
	v.Column.Float = append(v.Column.Float, f)
}

// AddDecimal adds a number that is written without an exponent. It fits a column of floats
// if it has at most 15 digits, which every float keeps.
func (v *Values) AddDecimal(text []byte) {
	text, digits := decimal(text)
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || digits > 15 || math.IsNaN(f) || f != 0 && math.Abs(f) < 0x1p-1022 { // below which floats have fewer digits
		v.Misfit(text)
		return
	}
	v.AddFloat(f)
}

// decimal returns a number without zeros at its end that say nothing, and how many of its
// digits count.
func decimal(text []byte) (short []byte, digits int) {
	if bytes.IndexByte(text, '.') >= 0 {
		text = bytes.TrimRight(bytes.TrimRight(text, "0"), ".")
	}
	significant := bytes.TrimLeft(bytes.TrimLeft(text, "-"), "0.")
	significant = bytes.TrimRight(significant, "0")
	return text, len(significant) - bytes.Count(significant, []byte{'.'})
}

// AddText adds a text, of a JSON column one that is valid JSON.
func (v *Values) AddText(text []byte) {
	v.present()
	v.Bytes = append(v.Bytes, text...)
	v.end()
}

// AddJSON adds a text that ought to be JSON. One that is not does not fit.
func (v *Values) AddJSON(text []byte) {
	if v.Type == dataset.JSON && !json.Valid(text) {
		v.widen()
	}
	v.AddText(text)
}

// Misfit adds a value that the column's type does not hold, as text.
func (v *Values) Misfit(text []byte) {
	if v.Type != dataset.Text && v.Type != dataset.JSON {
		v.widen()
	}
	v.AddText(text)
}

// widen makes the column one of texts.
func (v *Values) widen() {
	was, n := v.Column, v.rows()
	v.Column = Column{Column: dataset.Column{Name: was.Name, Type: dataset.Text}, Null: was.Null, Ends: make([]uint32, 0, max(n, 64))}
	for row := range n {
		if !was.IsNull(row) {
			v.Bytes = was.AppendText(v.Bytes, row)
		}
		v.end()
	}
}
