package segment

import (
	"context"
	"hash/crc32"
	"slices"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// ColumnDay is the column of a rows segment that holds the UTC day of the event time
// as a DATE. It is derived: a batch does not have it.
const ColumnDay = "day"

// Write stores rows of an events dataset as a segment: those of order, in that order,
// or all for a nil order. There must be one at least. Writing the same again is fine.
// The segment is nobody's until a manifest entry adds the Ref.
func Write(ctx context.Context, store blob.Store, origin Origin, batch rows.Batch, order []int32) (Ref, error) {
	ref, body, err := Encode(origin, batch, order)
	if err != nil {
		return Ref{}, err
	}
	return ref, put(ctx, store, ref.Key, body)
}

// put stores a body under a key that says its content: a taken key holds it already.
func put(ctx context.Context, store blob.Store, key string, body []byte) error {
	if err := store.Put(ctx, key, body); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	return nil
}

// Encode makes the segment that Write stores. The same input makes the same bytes.
func Encode(origin Origin, batch rows.Batch, order []int32) (Ref, []byte, error) {
	return encode(origin, batch, orderOf(batch, order), func(int, dataset.Type) int32 { return 0 })
}

// encode makes a segment whose columns have the field ids that field gives them by
// their place in the batch and their type.
func encode(origin Origin, batch rows.Batch, order []int32, field func(place int, t dataset.Type) int32) (Ref, []byte, error) {
	ref := Ref{Kind: Rows}
	var columns []columnfile.Column // the fixed ones even where all is null, others only where not
	for i := range batch.Columns {
		c := &batch.Columns[i]
		column := columnfile.Column{Name: c.Name, Form: forms[c.Type], Optional: i >= rows.UserID, ID: field(i, c.Type), Values: c}
		if i < rows.FirstProperty {
			column.Bloom = i == rows.EventID || i == rows.UserID
			columns = append(columns, column)
			continue
		}
		if hasValue(c, order) {
			ref.Columns = append(ref.Columns, c.Column)
			column.Name = PhysicalName(c.Name)
			columns = append(columns, column)
		}
	}
	if ref.UUID = allUUIDs(&batch.Columns[rows.EventID], order); ref.UUID {
		columns[rows.EventID].Form, columns[rows.EventID].ID = columnfile.UUID, field(rows.EventID, typeUUID)
	}
	columns = append(columns, columnfile.Column{Name: ColumnDay, Form: columnfile.Date, ID: field(rows.EventID, typeDay), Values: days(&batch.Columns[rows.Time])})
	body, err := ref.seal(origin, columns, order)
	return ref, body, err
}

// forms are the forms that types have in a file.
var forms = map[dataset.Type]columnfile.Form{
	dataset.Bool: columnfile.Bool, dataset.Int: columnfile.Int, dataset.Float: columnfile.Float,
	dataset.Text: columnfile.Text, dataset.Time: columnfile.Time, dataset.JSON: columnfile.Text,
}

// seal encodes columns, the first of which is the event id, and completes r.
func (r *Ref) seal(origin Origin, columns []columnfile.Column, order []int32) ([]byte, error) {
	if len(order) == 0 {
		return nil, fault.New(fault.Internal, "empty_segment", "a segment needs a row")
	}
	for _, c := range columns {
		if !c.Optional && hasNull(c.Values, order) {
			return nil, fault.New(fault.Internal, "null_in_segment", "column %q holds a null", c.Name)
		}
		switch c.Name {
		case dataset.ColumnTime:
			r.MinTime, r.MaxTime, r.Days = span(c.Values, order)
		case dataset.ColumnReceived:
			r.MinReceived, r.MaxReceived, _ = span(c.Values, order)
		}
	}
	body, tail := columnfile.Encode(columns, order)
	r.Rows, r.Bytes, r.Tail = int64(len(order)), int64(len(body)), int64(tail)
	r.TailSum = crc32.ChecksumIEEE(body[len(body)-tail:])
	r.Key = origin.key(r.Kind, r.Days, body)
	return body, nil
}

func orderOf(batch rows.Batch, order []int32) []int32 {
	if order != nil {
		return order
	}
	order = make([]int32, batch.Len)
	for i := range order {
		order[i] = int32(i) // #nosec G115 -- a row of a batch, which is bounded
	}
	return order
}

// days derives the day column of a time column.
func days(times *rows.Column) *rows.Column {
	c := &rows.Column{Column: dataset.Column{Name: ColumnDay, Type: dataset.Int}, Ints: make([]int64, len(times.Ints))}
	for i, t := range times.Ints {
		c.Ints[i] = int64(DayOf(t))
	}
	return c
}

// span returns the least and the greatest time of rows, and every UTC day of them.
func span(times *rows.Column, order []int32) (least, most int64, all []Day) {
	least, most = times.Ints[order[0]], times.Ints[order[0]]
	last := DayOf(least)
	all = []Day{last}
	for _, row := range order {
		t := times.Ints[row]
		least, most = min(least, t), max(most, t)
		if day := DayOf(t); day != last {
			last = day
			all = append(all, day)
		}
	}
	slices.Sort(all)
	return least, most, slices.Compact(all)
}

func hasNull(c *rows.Column, order []int32) bool {
	return slices.ContainsFunc(order, func(row int32) bool { return c.IsNull(int(row)) })
}

func hasValue(c *rows.Column, order []int32) bool {
	return slices.ContainsFunc(order, func(row int32) bool { return !c.IsNull(int(row)) })
}

func allUUIDs(c *rows.Column, order []int32) bool {
	return len(order) > 0 && !slices.ContainsFunc(order, func(row int32) bool {
		_, ok := columnfile.ParseUUID(c.Text(int(row)))
		return !ok
	})
}
