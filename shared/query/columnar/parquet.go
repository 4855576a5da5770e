package columnar

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/tarnhq/tarn/shared/query"
)

// WriteParquet writes an answer's columns and rows as a Parquet file. Columns whose
// names are taken get numbers: a Parquet file cannot hold two of a name.
func WriteParquet(w io.Writer, r query.Result) error {
	layouts := make([]layout, len(r.Columns))
	group := ordered{Group: parquet.Group{}}
	for i, c := range r.Columns {
		layouts[i] = layoutOf(r, i)
		name := c.Name
		for n := 1; slices.Contains(group.names, name); n++ {
			name = fmt.Sprintf("%s_%d", c.Name, n)
		}
		group.names = append(group.names, name)
		group.Group[name] = parquet.Optional(layouts[i].parquet())
	}
	out := parquet.NewGenericWriter[any](w, parquet.NewSchema("answer", group), parquet.Compression(&zstd.Codec{}))
	row := make(parquet.Row, len(layouts))
	for _, values := range r.Rows {
		for i, v := range values {
			cell, err := layouts[i].cell(v)
			if err != nil {
				return errors.Join(fmt.Errorf("column %d: %w", i+1, err), out.Close())
			}
			defined := 1
			if cell.IsNull() {
				defined = 0
			}
			row[i] = cell.Level(0, defined, i)
		}
		if _, err := out.WriteRows([]parquet.Row{row}); err != nil {
			return errors.Join(err, out.Close())
		}
	}
	return out.Close()
}

// ordered is a group whose fields stand in the order of an answer; those of a Group
// are sorted.
type ordered struct {
	parquet.Group
	names []string
}

func (o ordered) Fields() []parquet.Field {
	fields := o.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(o.names, a.Name()) - slices.Index(o.names, b.Name())
	})
	return fields
}

// decimalBytes hold 38 digits in two's complement.
const decimalBytes = 16

func (l layout) parquet() parquet.Node {
	switch l.form {
	case boolean:
		return parquet.Leaf(parquet.BooleanType)
	case integer:
		return parquet.Int(64)
	case number:
		return parquet.Decimal(int(l.scale), precision, parquet.FixedLenByteArrayType(decimalBytes))
	case float:
		return parquet.Leaf(parquet.DoubleType)
	case bytes:
		return parquet.Leaf(parquet.ByteArrayType)
	case instant:
		return parquet.Timestamp(parquet.Microsecond)
	case date:
		return parquet.Date()
	case clock:
		return parquet.TimeAdjusted(parquet.Microsecond, false)
	}
	return parquet.String()
}

// cell makes a value of the layout's type.
func (l layout) cell(v query.Value) (parquet.Value, error) {
	if v.IsNull() {
		return parquet.NullValue(), nil
	}
	switch l.form {
	case boolean:
		return parquet.BooleanValue(v.Int() != 0), nil
	case integer, instant:
		return parquet.Int64Value(v.Int()), nil
	case float:
		return parquet.DoubleValue(v.Float()), nil
	case number:
		n, err := unscaled(v, l.scale)
		if err != nil {
			return parquet.Value{}, err
		}
		return parquet.FixedLenByteArrayValue(complement(n)), nil
	case date:
		days, err := daysOf(v)
		return parquet.Int32Value(days), err
	case clock:
		micros, err := clockOf(v)
		return parquet.Int64Value(micros), err
	case bytes:
		b, err := bytesOf(v)
		return parquet.ByteArrayValue(b), err
	}
	return parquet.ByteArrayValue(v.AppendText(nil)), nil
}

// complement writes a number in two's complement, big endian.
func complement(n *big.Int) []byte {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 8*decimalBytes))
	}
	return n.FillBytes(make([]byte, decimalBytes))
}
