package rows

import "github.com/tarnhq/tarn/shared/dataset"

// Room is how much a Builder holds, for another one that may well hold as much:
// columns that grow from nothing are copied again and again.
type Room struct{ columns map[string]columnRoom }

type columnRoom struct{ values, bytes int }

// Room returns how much b holds.
func (b *Builder) Room() Room {
	r := Room{columns: make(map[string]columnRoom, len(b.columns))}
	for i := range b.columns {
		c := &b.columns[i]
		r.columns[c.Name] = columnRoom{values: c.rows(), bytes: len(c.Bytes)}
	}
	return r
}

// Reserve makes room in an empty Builder, but for nulls: a column knows by theirs
// whether it holds any.
func (b *Builder) Reserve(r Room) {
	for i := range b.columns {
		c := &b.columns[i]
		if like := r.columns[c.Name]; like.values > 0 {
			c.reserve(like)
		}
	}
}

func (c *Column) reserve(like columnRoom) {
	switch c.Type {
	case dataset.Float:
		c.Float = make([]float64, 0, like.values)
	case dataset.Text, dataset.JSON:
		c.Ends = make([]uint32, 0, like.values)
		c.Bytes = make([]byte, 0, like.bytes)
	default:
		c.Ints = make([]int64, 0, like.values)
	}
}
