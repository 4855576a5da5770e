package mongodb

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/rows"
)

// Bounds of a batch. What is sparse is counted as the columns will have it.
const (
	batchRows  = 500_000
	batchBytes = 96 << 20
	cellBytes  = 9 // of a value, at least, null or not
)

// documents are those of a batch, with the columns that they need.
type documents struct {
	collection string
	all        []bson.Raw
	columns    []dataset.Column // of the fields that have a value in any
	places     map[string]int
	bad        []load.Bad
	bytes      int
}

func newDocuments(collection string) *documents {
	return &documents{collection: collection, places: map[string]int{}}
}

func (d *documents) full(rows int) bool {
	return len(d.all) >= rows || d.bytes+cellBytes*len(d.all)*len(d.columns) >= batchBytes
}

// add adds a document, or why it cannot be stored.
func (d *documents) add(doc bson.Raw) error {
	d.bytes += len(doc)
	elements, err := check(doc)
	if err != nil {
		d.bad = append(d.bad, d.refuse(doc, err))
		return nil
	}
	for _, e := range elements {
		c, ok := columnOf(e.Value())
		if !ok {
			continue
		}
		c.Name = e.Key()
		if at, ok := d.places[c.Name]; ok {
			d.columns[at] = d.columns[at].Widen(c)
			continue
		}
		d.places[c.Name] = len(d.columns)
		d.columns = append(d.columns, c)
	}
	d.all = append(d.all, doc)
	if len(d.columns) > dataset.MaxColumns {
		return fault.New(fault.Invalid, "too_many_columns", "the documents of %.80q have more than %d fields of their own", d.collection, dataset.MaxColumns).
			WithHint("read a view that leaves fields out, or puts those whose names vary into an embedded document")
	}
	return nil
}

// batch returns the rows.
func (d *documents) batch() (connector.Batch, error) {
	b := rows.NewValueBuilder(d.columns)
	row := make([]bson.RawValue, len(d.columns))
	for _, doc := range d.all {
		clear(row)
		elements, err := doc.Elements()
		if err != nil {
			return connector.Batch{}, err
		}
		for _, e := range elements {
			if at, ok := d.places[e.Key()]; ok {
				row[at] = e.Value()
			}
		}
		for i, v := range row {
			if v.IsZero() {
				b.Column(i).AddNull()
			} else if err := put(b.Column(i), v); err != nil {
				return connector.Batch{}, err
			}
		}
		b.EndRow()
	}
	return connector.Batch{Rows: b.Batch(), Bad: d.bad}, nil
}

// refuse is a document that goes to quarantine, as far as it can be written.
func (d *documents) refuse(doc bson.Raw, reason error) load.Bad {
	id, _ := extended(doc.Lookup("_id")) // a document without one has no name
	bad := load.Bad{Row: fmt.Sprintf("%s _id %.200s", d.collection, id), Code: "bad_document", Reason: reason.Error()}
	if text, err := bson.MarshalExtJSON(doc, true, false); err == nil {
		bad.Raw = text
	}
	return bad
}

var (
	errName  = errors.New("a field has a name that a column cannot have: 1 to 200 bytes of UTF-8")
	errTwice = errors.New("a field is there twice")
	errText  = errors.New("a text in it is no UTF-8")
	errBSON  = errors.New("it is no valid BSON")
)

// check returns the fields of a document, or why it cannot be stored.
func check(doc bson.Raw) ([]bson.RawElement, error) {
	if doc.Validate() != nil {
		return nil, errBSON
	}
	if !texts(doc) {
		return nil, errText
	}
	elements, err := doc.Elements()
	if err != nil {
		return nil, errBSON
	}
	seen := make(map[string]bool, len(elements))
	for _, e := range elements {
		name := e.Key()
		if name == "" || len(name) > maxName || !utf8.ValidString(name) {
			return nil, errName
		}
		if seen[name] {
			return nil, errTwice
		}
		seen[name] = true
	}
	return elements, nil
}

const maxName = 200 // as a dataset has it

// texts reports whether all texts of a valid document are UTF-8, which MongoDB does not check.
func texts(doc bson.Raw) bool {
	elements, err := doc.Elements()
	if err != nil {
		return false
	}
	for _, e := range elements {
		if !valid(e.Value()) || !utf8.ValidString(e.Key()) {
			return false
		}
	}
	return true
}

func valid(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeString:
		return utf8.ValidString(v.StringValue())
	case bson.TypeEmbeddedDocument:
		return texts(v.Document())
	case bson.TypeArray:
		return texts(bson.Raw(v.Array()))
	case bson.TypeSymbol:
		return utf8.ValidString(v.Symbol())
	case bson.TypeJavaScript:
		return utf8.ValidString(v.JavaScript())
	case bson.TypeCodeWithScope:
		code, scope := v.CodeWithScope()
		return utf8.ValidString(code) && texts(scope)
	case bson.TypeRegex:
		pattern, options := v.Regex()
		return utf8.ValidString(pattern) && utf8.ValidString(options)
	case bson.TypeDBPointer:
		collection, _ := v.DBPointer()
		return utf8.ValidString(collection)
	}
	return true
}
