package rows

import (
	"slices"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
)

const (
	fullBytes = 1 << 31 // of text: a column's offsets have 32 bits
	maxShapes = 1 << 10 // places that are remembered, in case senders share no shapes
)

// Builder appends events to a Batch under one schema. It has one writer; the views
// it gives may be read meanwhile.
type Builder struct {
	schema  dataset.Schema
	keep    bool // declared columns leave what does not fit in the JSON column
	names   map[string]int
	columns []Column
	len     int
	bytes   int // of text appended

	places map[*events.Shape][]int
	shape  *events.Shape // of the last event, with its places
	last   []int
}

// NewBuilder returns an empty Builder for rows of a schema.
func NewBuilder(schema dataset.Schema, onConflict dataset.OnConflict) *Builder {
	return &Builder{
		schema:  schema,
		keep:    onConflict == dataset.Keep,
		names:   columnsByName(schema),
		columns: newColumns(schema),
		places:  map[*events.Shape][]int{},
	}
}

func newColumns(schema dataset.Schema) []Column {
	all := slices.Concat(dataset.Fixed, schema.Columns)
	columns := make([]Column, len(all))
	for i, c := range all {
		columns[i].Column = c
	}
	return columns
}

// Schema returns the schema that the batch is built under.
func (b *Builder) Schema() dataset.Schema { return b.schema }

// Len returns the number of rows.
func (b *Builder) Len() int { return b.len }

// EventID returns the id of a row. It is the Builder's memory.
func (b *Builder) EventID(row int) []byte { return b.columns[EventID].Text(row) }

// Size returns about the bytes of memory that the rows take.
func (b *Builder) Size() int64 { return Batch{Columns: b.columns}.Size() }

// Full reports whether the next event needs a new Builder.
func (b *Builder) Full() bool { return b.bytes >= fullBytes }

// Admits reports whether e can be appended as the schema stands, without a call of
// Resolve.
func (b *Builder) Admits(e *events.Event) bool {
	if e.Shape == nil {
		return true
	}
	for i, at := range b.placesOf(e.Shape) {
		v := &e.Values[i]
		if v.Kind == events.Null || at == apart {
			continue
		}
		if at == absent {
			if len(b.schema.Columns) < dataset.MaxColumns {
				return false
			}
			continue
		}
		if c := b.schema.Columns[at]; !fits(c, v) && !(c.Declared && b.keep) {
			return false
		}
	}
	return true
}

// Append appends an event that Admits admits. Its texts, valid UTF-8 as decoding
// leaves them, are copied. What has no column, or does not fit it, goes to the JSON
// column.
func (b *Builder) Append(e *events.Event, received int64) {
	row := b.len
	b.columns[EventID].text(row, e.ID)
	b.columns[Event].text(row, e.Name)
	b.columns[Time].Ints = add(b.columns[Time].Ints, e.Time)
	b.columns[Received].Ints = add(b.columns[Received].Ints, received)
	b.columns[UserID].text(row, e.UserID)
	b.columns[AnonymousID].text(row, e.AnonymousID)
	b.columns[SessionID].text(row, e.SessionID)
	b.bytes += len(e.ID) + len(e.Name) + len(e.UserID) + len(e.AnonymousID) + len(e.SessionID)
	if e.Shape != nil {
		b.appendProperties(e)
	}
	b.len++
}

func (b *Builder) appendProperties(e *events.Event) {
	rest := &b.columns[Properties]
	begin := len(rest.Bytes)
	for i, at := range b.placesOf(e.Shape) {
		v := &e.Values[i]
		if v.Kind == events.Null {
			continue
		}
		b.bytes += len(v.Text)
		if at >= 0 && b.columns[FirstProperty+at].put(b.len, v) {
			continue
		}
		rest.Bytes = appendMember(rest.Bytes, begin, e.Shape.Names[i], v)
		b.bytes += len(e.Shape.Names[i])
	}
	if len(rest.Bytes) > begin {
		rest.Bytes = append(rest.Bytes, '}')
		rest.closeText(b.len, begin)
	}
}

func (b *Builder) placesOf(shape *events.Shape) []int {
	if shape == b.shape {
		return b.last
	}
	places, ok := b.places[shape]
	if !ok {
		if len(b.places) >= maxShapes {
			clear(b.places)
		}
		places = place(b.names, shape)
		b.places[shape] = places
	}
	b.shape, b.last = shape, places
	return places
}

// View returns the rows so far. It belongs to the writer: readers are given what it
// returns, which does not change when more is appended.
func (b *Builder) View() Batch {
	for i := range b.columns {
		b.columns[i].finish(b.len)
	}
	return Batch{Columns: b.columns, Len: b.len}.View(b.len)
}
