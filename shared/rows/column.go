// #nosec G115 -- the bytes of a column, which a batch bounds far below 4 GB

package rows

import (
	"slices"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
)

// A column that is being built may lag behind its batch: rows that do not mention
// it cost nothing until pad fills them with nulls.

// rows is the number of rows that the column holds so far.
func (c *Column) rows() int {
	switch c.Type {
	case dataset.Float:
		return len(c.Float)
	case dataset.Text, dataset.JSON:
		return len(c.Ends)
	default:
		return len(c.Ints)
	}
}

// pad appends nulls until the column holds n rows.
func (c *Column) pad(n int) {
	from := c.rows()
	if from == n {
		return
	}
	c.Null = grow(c.Null, from)
	c.Null = grow(c.Null, n)
	for i := from; i < n; i++ {
		c.Null[i] = true
	}
	switch c.Type {
	case dataset.Float:
		c.Float = grow(c.Float, n)
	case dataset.Text, dataset.JSON:
		end := uint32(len(c.Bytes))
		c.Ends = grow(c.Ends, n)
		for i := from; i < n; i++ {
			c.Ends[i] = end
		}
	default:
		c.Ints = grow(c.Ints, n)
	}
}

// finish makes the column n rows long in all its slices.
func (c *Column) finish(n int) {
	c.pad(n)
	if c.Null != nil {
		c.Null = grow(c.Null, n)
	}
}

// grow extends s with zero values to n. What lies beyond the length was never
// written, so that growth within the capacity finds zeros there.
func grow[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:max(n, len(s))]
	}
	return slices.Grow(s, max(n-len(s), len(s)))[:n]
}

// add appends values. Where they do not fit the capacity doubles, because append's
// own growth of large slices by a quarter copies each byte four times.
func add[T any](s []T, values ...T) []T {
	if cap(s)-len(s) < len(values) {
		s = slices.Grow(s, max(len(values), len(s)))
	}
	return append(s, values...)
}

func addText(s []byte, text string) []byte {
	if cap(s)-len(s) < len(text) {
		s = slices.Grow(s, max(len(text), len(s)))
	}
	return append(s, text...)
}

// text appends a row of text; empty is null.
func (c *Column) text(row int, text string) {
	if text == "" {
		return
	}
	c.pad(row)
	c.Bytes = addText(c.Bytes, text)
	c.Ends = add(c.Ends, uint32(len(c.Bytes)))
}

// closeText makes what was appended to Bytes since begin the text of a row.
func (c *Column) closeText(row, begin int) {
	text := len(c.Bytes)
	c.Bytes = c.Bytes[:begin] // rows in between are null: their texts end here
	c.pad(row)
	c.Bytes = c.Bytes[:text]
	c.Ends = add(c.Ends, uint32(text))
}

// put appends a value that is not null as the row'th, and reports whether the type
// of the column holds it as it is. If not, nothing was appended.
func (c *Column) put(row int, v *events.Value) bool {
	c.pad(row)
	switch c.Type {
	case dataset.Bool:
		return c.putInt(v.Int, v.Kind == events.Bool)
	case dataset.Int:
		return c.putInt(v.Int, v.Kind == events.Int)
	case dataset.Float:
		f, ok := asFloat(v)
		if ok {
			c.Float = add(c.Float, f)
		}
		return ok
	case dataset.Time:
		return c.putInt(asTime(v))
	case dataset.Text:
		if v.Kind == events.JSON {
			return false
		}
		c.Bytes = appendText(c.Bytes, v)
	default:
		c.Bytes = appendJSON(c.Bytes, v)
	}
	c.Ends = add(c.Ends, uint32(len(c.Bytes)))
	return true
}

func (c *Column) putInt(i int64, ok bool) bool {
	if ok {
		c.Ints = add(c.Ints, i)
	}
	return ok
}

// Value returns a row that is not null as the value that put would have been given.
// It shares memory with nothing.
func (c *Column) Value(row int) events.Value {
	switch c.Type {
	case dataset.Bool:
		return events.Value{Kind: events.Bool, Int: c.Ints[row]}
	case dataset.Int:
		return events.Value{Kind: events.Int, Int: c.Ints[row]}
	case dataset.Float:
		return events.Value{Kind: events.Float, Float: c.Float[row]}
	case dataset.Time:
		return events.Value{Kind: events.Text, Text: dataset.FormatTime(c.Ints[row])}
	case dataset.Text:
		return events.Value{Kind: events.Text, Text: string(c.Text(row))}
	default:
		return events.Value{Kind: events.JSON, Text: string(c.Text(row))}
	}
}

// AppendText appends the text that a row's value is once its column is one of texts. The
// value must not be null.
func (c *Column) AppendText(dst []byte, row int) []byte {
	v := c.Value(row)
	return appendText(dst, &v)
}

// asFloat returns the number that a float column holds for v, if it does exactly.
func asFloat(v *events.Value) (float64, bool) {
	switch v.Kind {
	case events.Float:
		return v.Float, true
	case events.Int:
		return float64(v.Int), dataset.ExactFloat(v.Int)
	default:
		return 0, false
	}
}

// asTime returns the UTC microseconds of an RFC 3339 text. Finer digits are cut:
// microseconds are what a time is.
func asTime(v *events.Value) (int64, bool) {
	if v.Kind != events.Text {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339, v.Text)
	return t.UnixMicro(), err == nil
}

// appendText appends a value other than JSON and Null as text columns hold it.
func appendText(dst []byte, v *events.Value) []byte {
	switch v.Kind {
	case events.Bool:
		return strconv.AppendBool(dst, v.Int != 0)
	case events.Int:
		return strconv.AppendInt(dst, v.Int, 10)
	case events.Float:
		return append(dst, dataset.FormatFloat(v.Float)...)
	default:
		return addText(dst, v.Text)
	}
}
