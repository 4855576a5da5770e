package tabular

import (
	"github.com/tarnhq/tarn/shared/dataset"
)

// field returns the text of a span.
func (s *splitter) field(i int) []byte {
	f := s.spans[i]
	if f.begin&inArena != 0 {
		return s.arena[f.begin&^inArena : f.end]
	}
	return s.text[f.begin:f.end]
}

// column appends the values that the block's records have at a place. It reports whether
// records are bad by them.
func (c *csvFile) column(col *column, at int) (misfits bool) {
	f := filler{csv: c, column: col, at: at, rows: len(c.splitter.records)}
	for f.row < f.rows {
		switch col.Type {
		case dataset.Int:
			f.ints()
		case dataset.Float:
			f.floats()
		case dataset.Text:
			f.texts()
		case dataset.Time:
			f.times()
		default:
			f.other(f.text())
		}
	}
	return f.misfits
}

// filler appends the values of a column, from one row of the block to the last. Its loops
// are each for one type, until a value needs another.
type filler struct {
	csv       *csvFile
	column    *column
	at        int
	row, rows int
	misfits   bool
}

func (f *filler) text() []byte {
	s := &f.csv.splitter
	return s.field(f.row*s.width + f.at)
}

func (f *filler) ints() {
	syntax, longest := &f.csv.table.syntax, f.csv.table.syntax.max
	ints := f.column.Ints
	for ; f.row < f.rows; f.row++ {
		b := f.text()
		n, ok := parseInt(b)
		if !ok || len(b) <= longest && syntax.null(b) {
			break
		}
		if !dataset.ExactFloat(n) && !f.column.fixed {
			f.column.Wide = true
		}
		ints = append(ints, n)
	}
	f.column.Ints = ints
	f.rest()
}

func (f *filler) floats() {
	syntax, longest := &f.csv.table.syntax, f.csv.table.syntax.max
	floats := f.column.Float
	for ; f.row < f.rows; f.row++ {
		b := f.text()
		x, ok := parseFloat(b, syntax.point)
		if !ok {
			var n int64
			n, ok = parseInt(b)
			x, ok = float64(n), ok && dataset.ExactFloat(n)
		}
		if !ok || len(b) <= longest && syntax.null(b) {
			break
		}
		floats = append(floats, x)
	}
	f.column.Float = floats
	f.rest()
}

func (f *filler) times() {
	syntax, longest := &f.csv.table.syntax, f.csv.table.syntax.max
	for ; f.row < f.rows; f.row++ {
		b := f.text()
		micros, ok := parseTime(b, syntax.order)
		if !ok || len(b) <= longest && syntax.null(b) {
			break
		}
		f.column.Ints = append(f.column.Ints, micros)
	}
	f.rest()
}

func (f *filler) texts() {
	syntax := &f.csv.table.syntax
	bytes, ends := f.column.Bytes, f.column.Ends
	for ; f.row < f.rows; f.row++ {
		b := f.text()
		if (len(b) <= syntax.max || b[0] == ' ') && syntax.null(b) {
			break
		}
		bytes = append(bytes, b...)
		ends = append(ends, uint32(len(bytes))) // #nosec G115 -- limits keep it far below 4 GB
	}
	f.column.Bytes, f.column.Ends = bytes, ends
	f.rest()
}

// rest appends the value that ended a loop, if one did.
func (f *filler) rest() {
	if f.row < f.rows {
		f.other(f.text())
	}
}

// other appends any value.
func (f *filler) other(b []byte) {
	row, syntax := f.csv.table.rows+f.row, &f.csv.table.syntax
	switch {
	case syntax.null(b):
		f.column.pad(row + 1)
	case f.column.fixed:
		f.given(b, row)
	default:
		f.infer(b, row)
	}
	f.row++
}

// given appends a value to a column whose type is given. The record of one that does not
// fit is bad: it has a null until the record is removed.
func (f *filler) given(b []byte, row int) {
	c := f.csv
	if v, ok := c.table.syntax.read(b, f.column.Type); ok {
		f.column.append(&v)
		return
	}
	f.column.pad(row + 1)
	if !c.bad[f.row] {
		c.reject(c.splitter.records[f.row], misfit(0, f.column.Column.Column, nil))
	}
	c.bad[f.row], f.misfits = true, true
}

// infer appends a value to a column that takes the type of its values.
func (f *filler) infer(b []byte, row int) {
	v := f.csv.table.syntax.infer(b)
	fit, ok := v.as(f.column.Type)
	if !ok {
		f.column.become(v.column(), row)
		fit, _ = v.as(f.column.Type) // what Widen returns holds it
	}
	if f.column.Type == dataset.Text {
		fit = textCell(b)
	}
	f.column.append(&fit)
}
