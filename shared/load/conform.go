package load

import (
	"encoding/json"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
)

// conform returns a batch as segments hold it: its columns checked, those that are
// declared of the declared type.
func conform(batch rows.Batch, declared []dataset.Column) (rows.Batch, error) {
	out := rows.Batch{Columns: make([]rows.Column, len(batch.Columns)), Len: batch.Len}
	seen := map[string]bool{}
	for i := range batch.Columns {
		c := &batch.Columns[i]
		if err := c.Check(dataset.Table); err != nil {
			return rows.Batch{}, err
		}
		if seen[c.Name] {
			return rows.Batch{}, fault.New(fault.Invalid, "column_twice", "there are two columns %q", c.Name)
		}
		seen[c.Name] = true
		if row := firstBad(c, batch.Len); row >= 0 {
			return rows.Batch{}, fault.New(fault.Invalid, "bad_value", "row %d: the value of column %q is no %s that can be stored", row+1, c.Name, c.Type)
		}
		var err error
		if out.Columns[i], err = typed(c, batch.Len, declared); err != nil {
			return rows.Batch{}, err
		}
	}
	if len(out.Columns) == 0 {
		return rows.Batch{}, fault.New(fault.Invalid, "no_columns", "the rows have no columns")
	}
	return out, nil
}

// typed returns a column of n rows as the type that it is declared as, if it is.
func typed(c *rows.Column, n int, declared []dataset.Column) (rows.Column, error) {
	at := slices.IndexFunc(declared, func(d dataset.Column) bool { return d.Name == c.Name })
	if at < 0 {
		out := *c
		out.Column = dataset.Column{Name: c.Name, Type: c.Type, Wide: isWide(c, n)}
		return out, nil
	}
	if c.Type == declared[at].Type {
		out := *c
		out.Column = declared[at]
		return out, nil
	}
	out, misfit := c.Convert(declared[at], n)
	if misfit >= 0 {
		return rows.Column{}, fault.New(fault.Invalid, "wrong_type", "row %d: column %q is declared as %s, and the value is none", misfit+1, c.Name, declared[at].Type).
			WithHint("correct the value, or load the column under another name")
	}
	return out, nil
}

// isWide reports whether a column holds a number that no float holds.
func isWide(c *rows.Column, n int) bool {
	return c.Type == dataset.Int && first(c, n, func(row int) bool { return !dataset.ExactFloat(c.Ints[row]) }) >= 0
}

// The times that can be written as RFC 3339, in UTC microseconds.
var (
	firstTime = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastTime  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

// firstBad returns the first row whose value no answer could show, or -1.
func firstBad(c *rows.Column, n int) int {
	switch c.Type {
	case dataset.Float:
		return first(c, n, func(row int) bool { return math.IsNaN(c.Float[row]) || math.IsInf(c.Float[row], 0) })
	case dataset.Time:
		return first(c, n, func(row int) bool { return c.Ints[row] < firstTime || c.Ints[row] > lastTime })
	case dataset.Text:
		return first(c, n, func(row int) bool { return !utf8.Valid(c.Text(row)) })
	case dataset.JSON:
		return first(c, n, func(row int) bool { return !json.Valid(c.Text(row)) })
	}
	return -1
}

// first returns the first of n rows that is not null and that a test holds of, or -1.
func first(c *rows.Column, n int, test func(int) bool) int {
	for row := range n {
		if !c.IsNull(row) && test(row) {
			return row
		}
	}
	return -1
}
