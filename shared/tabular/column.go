// #nosec G115 -- the bytes of a column, which limits keep far below 4 GB

package tabular

import (
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// column is one column of a table that is being built. While Type is empty it has had no
// value.
type column struct {
	rows.Column
	fixed   bool // its type is given
	reserve int  // rows that the part before had
	text    int  // bytes of text that the part before had
}

// rows is the number of rows that the column holds so far.
func (c *column) rows() int {
	switch c.Type {
	case "":
		return 0
	case dataset.Float:
		return len(c.Float)
	case dataset.Text, dataset.JSON:
		return len(c.Ends)
	default:
		return len(c.Ints)
	}
}

// pad appends nulls until the column holds n rows.
func (c *column) pad(n int) {
	from := c.rows()
	if c.Type == "" || from >= n {
		return
	}
	c.nullFrom(from, n)
	switch c.Type {
	case dataset.Float:
		c.Float = extend(c.Float, n, 0)
	case dataset.Text, dataset.JSON:
		c.Ends = extend(c.Ends, n, uint32(len(c.Bytes)))
	default:
		c.Ints = extend(c.Ints, n, 0)
	}
}

// nullFrom makes the rows from from to n null.
func (c *column) nullFrom(from, n int) {
	c.Null = extend(c.Null, from, false)
	c.Null = extend(c.Null, n, true)
}

func extend[T any](s []T, n int, value T) []T {
	for len(s) < n {
		s = append(s, value)
	}
	return s
}

// finish makes the column n rows long in all its slices.
func (c *column) finish(n int) {
	c.pad(n)
	if c.Null != nil {
		c.Null = extend(c.Null, n, false)
	}
}

// become makes the column, of n rows so far, hold values of to's type too.
func (c *column) become(to dataset.Column, n int) {
	if c.Type == "" {
		c.Type, c.Wide = to.Type, to.Wide
		c.make()
		c.pad(n)
		return
	}
	wider := c.Column.Column.Widen(dataset.Column{Name: c.Name, Type: to.Type, Wide: to.Wide})
	if wider.Type == c.Type {
		c.Wide = wider.Wide
		return
	}
	c.finish(n)
	converted, _ := c.Convert(wider, n) // what Widen returns holds the values
	c.Column = converted
}

// make allocates for as many rows as the part before had.
func (c *column) make() {
	if c.reserve == 0 {
		return
	}
	switch c.Type {
	case dataset.Float:
		c.Float = make([]float64, 0, c.reserve)
	case dataset.Text, dataset.JSON:
		c.Ends = make([]uint32, 0, c.reserve)
		c.Bytes = make([]byte, 0, c.text)
	default:
		c.Ints = make([]int64, 0, c.reserve)
	}
}

// take returns the column of n rows and begins it anew, of the same type.
func (c *column) take(n int) rows.Column {
	c.finish(n)
	taken := c.Column
	c.reserve, c.text = n, len(c.Bytes)
	c.Column = rows.Column{Column: taken.Column}
	c.make()
	return taken
}

// drop removes those rows from from on that bad says, by their place after from.
func (c *column) drop(from int, bad []bool) {
	n := c.rows()
	c.finish(n)
	to := from
	for row := from; row < n; row++ {
		if bad[row-from] {
			continue
		}
		c.move(to, row)
		to++
	}
	c.cut(to)
}

func (c *column) move(to, row int) {
	if c.Null != nil {
		c.Null[to] = c.Null[row]
	}
	switch c.Type {
	case dataset.Float:
		c.Float[to] = c.Float[row]
	case dataset.Text, dataset.JSON:
		begin := uint32(0)
		if to > 0 {
			begin = c.Ends[to-1]
		}
		c.Ends[to] = begin + uint32(copy(c.Bytes[begin:], c.Text(row)))
	default:
		c.Ints[to] = c.Ints[row]
	}
}

// cut removes the rows from n on.
func (c *column) cut(n int) {
	if len(c.Null) > n {
		c.Null = c.Null[:n]
	}
	switch c.Type {
	case dataset.Float:
		c.Float = c.Float[:n]
	case dataset.Text, dataset.JSON:
		c.Ends = c.Ends[:n]
		if n == 0 {
			c.Bytes = c.Bytes[:0]
		} else {
			c.Bytes = c.Bytes[:c.Ends[n-1]]
		}
	default:
		c.Ints = c.Ints[:n]
	}
}
