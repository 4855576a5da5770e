package export

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/tarnhq/tarn/shared/query"
)

// groupRows is the number of rows of a row group, which is what is held in memory.
const groupRows = 100_000

// columnar writes rows as Parquet.
type columnar struct {
	out     *parquet.GenericWriter[any]
	columns []query.Column
	buffer  parquet.Row
}

func newParquet(to io.Writer, columns []query.Column) *columnar {
	schema := parquet.NewSchema("export", inOrder{parquet.Group{}, columns})
	return &columnar{columns: columns, buffer: make(parquet.Row, len(columns)),
		out: parquet.NewGenericWriter[any](to, schema, parquet.Compression(&zstd.Codec{}), parquet.MaxRowsPerRowGroup(groupRows))}
}

// inOrder is a group whose fields are columns in their order, not in the alphabet's.
type inOrder struct {
	parquet.Group
	columns []query.Column
}

// Fields implements parquet.Node.
func (g inOrder) Fields() []parquet.Field {
	named := parquet.Group{}
	for _, c := range g.columns {
		named[c.Name] = parquet.Optional(nodeOf(c.Type))
	}
	fields := named.Fields()
	place := func(f parquet.Field) int {
		return slices.IndexFunc(g.columns, func(c query.Column) bool { return c.Name == f.Name() })
	}
	slices.SortFunc(fields, func(a, b parquet.Field) int { return place(a) - place(b) })
	return fields
}

func nodeOf(t query.Type) parquet.Node {
	switch t {
	case query.Bool:
		return parquet.Leaf(parquet.BooleanType)
	case query.Int:
		return parquet.Int(64)
	case query.Float:
		return parquet.Leaf(parquet.DoubleType)
	case query.Timestamp:
		return parquet.Timestamp(parquet.Microsecond)
	case query.JSON:
		return parquet.JSON()
	}
	return parquet.String()
}

func (c *columnar) row(row []query.Value) error {
	for i, v := range row {
		if v.IsNull() {
			c.buffer[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}
		c.buffer[i] = parquetValue(v, c.columns[i].Type).Level(0, 1, i)
	}
	if _, err := c.out.WriteRows([]parquet.Row{c.buffer}); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}

func parquetValue(v query.Value, t query.Type) parquet.Value {
	switch t {
	case query.Bool:
		return parquet.BooleanValue(v.Int() != 0)
	case query.Int, query.Timestamp:
		return parquet.Int64Value(v.Int())
	case query.Float:
		return parquet.DoubleValue(v.Float())
	}
	text := string(v.AppendText(nil))
	return parquet.ByteArrayValue([]byte(strings.ToValidUTF8(text, "\uFFFD")))
}

func (c *columnar) close() error {
	if err := c.out.Close(); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}
