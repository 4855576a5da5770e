package mongodb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// idField is the field that every document of a collection has, unique and for ever.
const idField = "_id"

// Read implements connector.Source. A pass of an incremental read is of the cursors from
// the last pass's end less the window, through the greatest there was when the pass began,
// in the order of cursor and _id: one that goes on after a kill sees other documents, but has
// the same end, so that the next window reaches back to all that this pass may have missed.
func (s *Source) Read(ctx context.Context, r connector.Read) iter.Seq2[connector.Batch, error] {
	return connector.Batches(func(yield func(connector.Batch) bool) error { return s.read(ctx, r, yield) })
}

func (s *Source) read(ctx context.Context, r connector.Read, yield func(connector.Batch) bool) (err error) {
	p := &pass{Source: s, Read: r, yield: yield}
	if p.at, err = positionOf(r.From); err != nil {
		return err
	}
	if p.collection, err = s.collection(ctx, r.Table.Table); err != nil {
		return err
	}
	if r.Table.Effective() == connector.Full {
		return p.whole(ctx)
	}
	if err := p.bound(ctx); err != nil || p.nothing {
		return err
	}
	return p.incremental(ctx)
}

// pass is one reading of a collection.
type pass struct {
	*Source
	connector.Read
	collection collection
	yield      func(connector.Batch) bool
	at         position
	cursor     bracket // of the cursor's values
	nothing    bool    // there is nothing to read
	documents  *documents
	met        int // documents
}

// whole reads all documents: at one moment where the server has such reads, else each once,
// as it is when it is met. Some servers that speak the protocol name a version that has
// moments, and refuse to read at one.
func (p *pass) whole(ctx context.Context) error {
	f := find{within: readTime, collated: p.collection.collated()}
	if !p.collection.plain() {
		return p.run(ctx, f)
	}
	if p.snapshot {
		f.level = "snapshot"
		if err := p.run(ctx, f); p.met > 0 || !refused(err) {
			return err
		}
		f.level = ""
	}
	f.sort = ascending(idField)
	return p.run(ctx, f)
}

// refused reports whether a server did not understand what it was asked.
func refused(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Code == sourceError
}

func (p *pass) incremental(ctx context.Context) error {
	filter, err := p.filter()
	if err != nil {
		return err
	}
	return p.run(ctx, find{filter: filter, sort: ascending(p.Table.Cursor, idField), within: readTime, collated: p.collection.collated()})
}

func ascending(fields ...string) (order bson.D) {
	for _, name := range fields {
		order = append(order, bson.E{Key: name, Value: 1})
	}
	return order
}

func is(field, operator string, value any) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: operator, Value: value}}}}
}

// bound decides where a pass ends, unless it is one that goes on, and makes sure that
// conditions find all documents: MongoDB's are true of values of one bracket alone, while
// its order has them all. So if the least value and the greatest are of one bracket, all are.
func (p *pass) bound(ctx context.Context) (err error) {
	if p.cursor, err = p.only(ctx, p.Table.Cursor, "bad_cursor"); err != nil || p.cursor == none {
		p.nothing = err == nil
		return err
	}
	if !p.cursor.cursor() {
		return fault.New(fault.Invalid, "bad_cursor", "the field %.80q of type %s cannot be a cursor", p.Table.Cursor, p.cursor).
			WithHint("a cursor is a date, a number, a string or an ObjectId that grows with every change")
	}
	if _, err := p.only(ctx, idField, "bad_key"); err != nil {
		return err
	}
	for _, known := range []bson.RawValue{p.at.Read, p.at.Through} {
		if !known.IsZero() && bracketOf(known) != p.cursor {
			return p.mixed(p.Table.Cursor, "bad_cursor", bracketOf(known), p.cursor)
		}
	}
	if !p.at.Through.IsZero() {
		return nil
	}
	return p.end(ctx)
}

// only returns the bracket of all values of a field that are not null; none: there are none.
func (p *pass) only(ctx context.Context, field, code string) (bracket, error) {
	var ends [2]bson.RawValue
	for i, direction := range []int{1, -1} {
		doc, err := p.extreme(ctx, field, is(field, "$ne", nil), direction)
		if err != nil {
			return none, err
		}
		if doc == nil {
			return none, p.absent(ctx, field)
		}
		ends[i] = doc.Lookup(field)
	}
	least, greatest := bracketOf(ends[0]), bracketOf(ends[1])
	if ends[0].Type == bson.TypeDouble && math.IsNaN(ends[0].Double()) && field == p.Table.Cursor {
		least = number // which is never read
	}
	if least == none || least != greatest {
		return none, p.mixed(field, code, bracket(ends[0].Type.String()), bracket(ends[1].Type.String()))
	}
	return least, nil
}

func (p *pass) extreme(ctx context.Context, field string, filter bson.D, direction int) (bson.Raw, error) {
	return p.first(ctx, p.collection.Name, find{filter: filter, sort: bson.D{{Key: field, Value: direction}}, fields: bson.D{{Key: field, Value: 1}}, collated: p.collection.collated()})
}

func (p *pass) mixed(field, code string, some, others bracket) error {
	return fault.New(fault.Invalid, code, "the field %.80q of %.80q has values of types %s and %s, which MongoDB does not put in one order for a condition, or a dataset cannot tell apart", field, p.collection.Name, some, others).
		WithHint("give the field one type in all documents, name another one, or use mode full")
}

// absent returns an error if there are documents, though none with a field.
func (p *pass) absent(ctx context.Context, field string) error {
	doc, err := p.first(ctx, p.collection.Name, find{fields: ascending(idField)})
	if err != nil || doc == nil {
		return err
	}
	return fault.New(fault.Invalid, "unknown_column", "no document of %.80q has a value in a field %.80q", p.collection.Name, field).WithHint("GET …/tables lists the fields")
}

// end finds the greatest cursor, which is the pass's last. A secondary that lags may know of
// none behind the pass before, which ended there.
func (p *pass) end(ctx context.Context) error {
	filter := bson.D{}
	if p.cursor == number {
		filter = bson.D{{Key: p.Table.Cursor, Value: bson.D{{Key: "$gt", Value: math.Inf(-1)}, {Key: "$lt", Value: math.Inf(1)}}}}
	}
	if p.at.Read.Value != nil {
		filter = bson.D{{Key: "$and", Value: bson.A{is(p.Table.Cursor, "$gt", p.at.Read), filter}}}
	}
	doc, err := p.extreme(ctx, p.Table.Cursor, filter, -1)
	switch {
	case err != nil:
		return err
	case doc != nil:
		p.at.Through = doc.Lookup(p.Table.Cursor)
	case p.at.Read.IsZero() || len(p.Table.Key) == 0:
		p.nothing = true
	default:
		p.at.Through = p.at.Read
	}
	return nil
}

// filter are the conditions of a pass.
func (p *pass) filter() (bson.D, error) {
	c := p.Table.Cursor
	all := bson.A{is(c, "$lte", p.at.Through)}
	if p.cursor == number {
		all = append(all, is(c, "$gt", math.Inf(-1)))
	}
	if len(p.at.After) > 0 {
		if len(p.at.After) != 2 {
			return nil, fmt.Errorf("position in collection %s: %d values", p.collection.Name, len(p.at.After))
		}
		at, id := p.at.After[0], p.at.After[1]
		behind := bson.A{is(c, "$gt", at), bson.D{{Key: c, Value: at}, {Key: idField, Value: bson.D{{Key: "$gt", Value: id}}}}}
		return bson.D{{Key: "$and", Value: append(all, is(c, "$gte", at), bson.D{{Key: "$or", Value: behind}})}}, nil
	}
	if p.at.Read.IsZero() {
		return bson.D{{Key: "$and", Value: all}}, nil
	}
	if len(p.Table.Key) == 0 {
		return bson.D{{Key: "$and", Value: append(all, is(c, "$gt", p.at.Read))}}, nil
	}
	from, err := back(p.at.Read, p.Table.Window)
	return bson.D{{Key: "$and", Value: append(all, is(c, "$gte", from))}}, err
}
