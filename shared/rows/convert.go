package rows

import "github.com/tarnhq/tarn/shared/dataset"

// Convert returns the n rows of c as a column of another type, and the first row
// whose value that type does not hold as it is, or -1.
func (c *Column) Convert(to dataset.Column, n int) (converted Column, misfit int) {
	converted.Column = to
	for row := range n {
		if c.IsNull(row) {
			continue
		}
		if v := c.Value(row); !converted.put(row, &v) {
			return Column{}, row
		}
	}
	converted.finish(n)
	return converted, -1
}
