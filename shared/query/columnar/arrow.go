package columnar

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tarnhq/tarn/shared/query"
)

// batchRows is the number of rows in a record batch; the last one may be shorter.
const batchRows = 16 << 10

// WriteArrow writes an answer's columns and rows as an Arrow IPC stream.
func WriteArrow(w io.Writer, r query.Result) error {
	layouts := make([]layout, len(r.Columns))
	fields := make([]arrow.Field, len(r.Columns))
	for i, c := range r.Columns {
		layouts[i] = layoutOf(r, i)
		fields[i] = arrow.Field{Name: c.Name, Type: layouts[i].arrow(), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	out := ipc.NewWriter(w, ipc.WithSchema(schema))
	for begin := 0; begin < len(r.Rows); begin += batchRows {
		if err := writeBatch(out, schema, layouts, r.Rows[begin:min(len(r.Rows), begin+batchRows)]); err != nil {
			return errors.Join(err, out.Close())
		}
	}
	return out.Close()
}

func (l layout) arrow() arrow.DataType {
	switch l.form {
	case boolean:
		return arrow.FixedWidthTypes.Boolean
	case integer:
		return arrow.PrimitiveTypes.Int64
	case number:
		return &arrow.Decimal128Type{Precision: precision, Scale: l.scale}
	case float:
		return arrow.PrimitiveTypes.Float64
	case bytes:
		return arrow.BinaryTypes.Binary
	case instant:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case date:
		return arrow.FixedWidthTypes.Date32
	case clock:
		return arrow.FixedWidthTypes.Time64us
	}
	return arrow.BinaryTypes.String
}

func writeBatch(out *ipc.Writer, schema *arrow.Schema, layouts []layout, rows [][]query.Value) error {
	builder := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	defer builder.Release()
	for i, l := range layouts {
		for _, row := range rows {
			if err := l.append(builder.Field(i), row[i]); err != nil {
				return fmt.Errorf("column %d: %w", i+1, err)
			}
		}
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	return out.Write(batch)
}

// append adds a value to a builder of the layout's type.
func (l layout) append(to array.Builder, v query.Value) error {
	if v.IsNull() {
		to.AppendNull()
		return nil
	}
	switch to := to.(type) {
	case *array.BooleanBuilder:
		to.Append(v.Int() != 0)
	case *array.Int64Builder:
		to.Append(v.Int())
	case *array.Float64Builder:
		to.Append(v.Float())
	case *array.TimestampBuilder:
		to.Append(arrow.Timestamp(v.Int()))
	case *array.StringBuilder:
		to.Append(string(v.AppendText(nil)))
	case *array.Decimal128Builder:
		n, err := unscaled(v, l.scale)
		if err == nil {
			to.Append(decimal128.FromBigInt(n))
		}
		return err
	case *array.Date32Builder:
		days, err := daysOf(v)
		to.Append(arrow.Date32(days))
		return err
	case *array.Time64Builder:
		micros, err := clockOf(v)
		to.Append(arrow.Time64(micros))
		return err
	case *array.BinaryBuilder:
		b, err := bytesOf(v)
		to.Append(b)
		return err
	default:
		return fmt.Errorf("no way to build a %T", to)
	}
	return nil
}
