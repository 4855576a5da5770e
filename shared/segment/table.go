package segment

import (
	"context"
	"math"
	"slices"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// WriteTable stores rows of a table dataset as a segment, as Write does those of
// events. A table's rows have the columns of its schema and no others.
func WriteTable(ctx context.Context, store blob.Store, origin Origin, batch rows.Batch, order []int32) (Ref, error) {
	ref, body, err := EncodeTable(origin, batch, order)
	if err != nil {
		return Ref{}, err
	}
	return ref, put(ctx, store, ref.Key, body)
}

// EncodeTable makes the segment that WriteTable stores. The same input makes the
// same bytes.
func EncodeTable(origin Origin, batch rows.Batch, order []int32) (Ref, []byte, error) {
	order = orderOf(batch, order)
	ref := Ref{Kind: Rows, Table: true}
	var columns []columnfile.Column // those with a value, or any one: a file needs a column
	for i := range batch.Columns {
		c := &batch.Columns[i]
		if hasValue(c, order) || i == len(batch.Columns)-1 && len(columns) == 0 {
			ref.Columns = append(ref.Columns, c.Column)
			columns = append(columns, columnfile.Column{Name: PhysicalName(c.Name), Form: forms[c.Type], Optional: true, Values: c})
		}
	}
	ref.MinTime, ref.MaxTime, ref.Days = tableSpan(find(batch, dataset.ColumnTime), order)
	body, err := ref.seal(origin, columns, order)
	return ref, body, err
}

// tableSpan is the span of a table's column of times. Where a row has none, the
// least and the greatest are those of all time: no range holds such a segment whole.
func tableSpan(times *rows.Column, order []int32) (least, most int64, all []Day) {
	var timed []int32
	if times.Type == dataset.Time {
		timed = slices.DeleteFunc(slices.Clone(order), func(row int32) bool { return times.IsNull(int(row)) })
	}
	if len(timed) > 0 {
		least, most, all = span(times, timed)
	}
	if len(timed) < len(order) {
		least, most = math.MinInt64, math.MaxInt64
	}
	return least, most, all
}
