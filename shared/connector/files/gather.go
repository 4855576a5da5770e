package files

import (
	"slices"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/tabular"
)

// gathering makes a batch of the parts of small files, for a batch is a commit.
type gathering struct {
	yield func(connector.Batch, error) bool
	rows  int // of a batch, about
	at    position

	parts  []rows.Batch
	schema dataset.Schema
	bad    []load.Bad
	len    int
	size   int64
}

// add adds a part, before which those that are there go if it would be too much, or if one of
// its columns has another type: a load knows how to widen. So what is left at the end of a
// file is never nothing but its end.
func (g *gathering) add(p tabular.Part, bad []load.Bad) error {
	p.Rows.Columns = slices.DeleteFunc(p.Rows.Columns, func(c rows.Column) bool { return vacant(c) })
	size := p.Rows.Size()
	if g.len+p.Rows.Len > g.rows || g.size+size > batchSize || !g.widen(p.Rows) {
		if err := g.flush(); err != nil {
			return err
		}
		g.widen(p.Rows)
	}
	g.parts, g.bad = append(g.parts, p.Rows), append(g.bad, bad...)
	g.len, g.size = g.len+p.Rows.Len, g.size+size
	return nil
}

// vacant reports whether a column has no value. As one of texts, which it would be by itself,
// it would make texts of the numbers that it has in other files.
func vacant(c rows.Column) bool {
	return c.Type == dataset.Text && c.Null != nil && !slices.Contains(c.Null, false)
}

// widen adds the columns of rows to the schema, unless one has another type there.
func (g *gathering) widen(b rows.Batch) bool {
	schema := slices.Clone(g.schema.Columns)
	for _, c := range b.Columns {
		at := slices.IndexFunc(schema, func(other dataset.Column) bool { return other.Name == c.Name })
		switch {
		case at < 0:
			schema = append(schema, c.Column)
		case schema[at].Type != c.Type:
			return false
		default:
			schema[at] = schema[at].Widen(c.Column)
		}
	}
	g.schema.Columns = schema
	return true
}

// flush yields what is there.
func (g *gathering) flush() error {
	if len(g.parts) == 0 {
		return nil
	}
	all, err := rows.Merge(g.parts, g.schema)
	if err != nil {
		return err
	}
	b := connector.Batch{Rows: all, Bad: g.bad, Next: g.at.text()}
	g.parts, g.bad, g.len, g.size, g.schema = nil, nil, 0, 0, dataset.Schema{}
	if !g.yield(b, nil) {
		return errStopped
	}
	return nil
}
