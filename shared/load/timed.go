package load

import (
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
)

// timed returns a batch with the column that is the rows' time copied to where questions by
// period look for it. So all that is done with the times of events, days that are passed
// over among them, is done with those of tables, for a few bytes a row.
func timed(batch rows.Batch, from string) (rows.Batch, error) {
	if from == "" || batch.Len == 0 {
		return batch, nil
	}
	named := func(name string) int {
		return slices.IndexFunc(batch.Columns, func(c rows.Column) bool { return c.Name == name })
	}
	if named(dataset.ColumnTime) >= 0 {
		return rows.Batch{}, fault.New(fault.Invalid, "time_twice", "the rows have a column \"time\", and the dataset's time_column is %q", from).
			WithHint(`set the dataset's time_column to "time", or leave one of the columns out`)
	}
	at := named(from)
	if at < 0 {
		return batch, nil // no row has one
	}
	times, err := timesOf(&batch.Columns[at], batch.Len)
	batch.Columns = append(slices.Clip(batch.Columns), times)
	return batch, err
}

// timesOf copies n times. A column with a value that is no time is one of texts, in which
// the others stand as RFC 3339 has them.
func timesOf(c *rows.Column, n int) (rows.Column, error) {
	out := rows.Column{Column: dataset.Column{Name: dataset.ColumnTime, Type: dataset.Time}}
	switch c.Type {
	case dataset.Time:
		out.Ints, out.Null = c.Ints[:n], c.Null
	case dataset.Text:
		out.Ints, out.Null = make([]int64, n), make([]bool, n)
		for row := range n {
			t, err := time.Parse(time.RFC3339Nano, textOf(c, row))
			if out.Null[row] = err != nil; err == nil {
				out.Ints[row] = t.UnixMicro()
			}
		}
	default:
		return out, fault.New(fault.Invalid, "bad_time_column", "the dataset's time_column %q is %s in these rows", c.Name, c.Type).
			WithHint("name a column of times, or declare this one as time")
	}
	return out, nil
}

func textOf(c *rows.Column, row int) string {
	if c.IsNull(row) {
		return ""
	}
	return string(c.Text(row))
}
