package mongodb

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// run reads what is found, and yields it in batches.
func (p *pass) run(ctx context.Context, f find) error {
	p.documents = newDocuments(p.collection.Name)
	most, wanted := cmp.Or(p.Rows, batchRows), true
	err := p.each(ctx, f.command(p.collection.Name), func(doc bson.Raw) (bool, error) {
		if p.documents.full(most) {
			var err error
			if wanted, err = p.flush(p.at); err != nil || !wanted {
				return false, err
			}
		}
		return true, p.add(doc)
	})
	if err != nil || !wanted {
		return err
	}
	last := position{Read: p.at.Through, Key: p.at.Key}
	_, err = p.flush(last)
	return err
}

// add adds a document, and moves the position behind it.
func (p *pass) add(doc bson.Raw) error {
	p.met++
	if p.Table.Effective() == connector.Incremental {
		if err := p.meet(doc); err != nil {
			return err
		}
	}
	return p.documents.add(doc)
}

// meet moves the position behind a document, whose cursor and key must be what all have.
func (p *pass) meet(doc bson.Raw) error {
	at, id := doc.Lookup(p.Table.Cursor), doc.Lookup(idField)
	if b := bracketOf(at); b != p.cursor { // an array, which is found by what is in it
		return p.mixed(p.Table.Cursor, "bad_cursor", p.cursor, bracket(at.Type.String()))
	}
	if id.IsZero() {
		return fault.New(fault.Invalid, "bad_key", "a document of %.80q has no _id, without which it cannot be read in order", p.collection.Name).
			WithHint("let the view keep _id, or use mode full")
	}
	p.at.After = []bson.RawValue{at, id}
	return p.checkKey(doc)
}

// checkKey makes sure that a dataset can tell keys apart as MongoDB does: in a column of
// texts the number 1 is the text "1".
func (p *pass) checkKey(doc bson.Raw) error {
	if len(p.at.Key) == 0 {
		p.at.Key = make([]string, len(p.Table.Key))
	}
	for i, name := range p.Table.Key {
		v := doc.Lookup(name)
		if _, ok := columnOf(v); v.IsZero() || !ok {
			continue // the load has it go to quarantine
		}
		what, known := keyType(v), p.at.Key[i]
		if what == "" {
			return fault.New(fault.Invalid, "bad_key", "the field %.80q of %.80q has a value of type %s, which tells no documents apart", name, p.collection.Name, v.Type).
				WithHint(`use "key": ["_id"], or mode full`)
		}
		if known != "" && known != what {
			return p.mixed(name, "bad_key", bracket(known), bracket(what))
		}
		p.at.Key = slices.Clone(p.at.Key)
		p.at.Key[i] = what
	}
	return nil
}

// keyType tells the values that one text may be of apart; empty: they are no keys.
func keyType(v bson.RawValue) string {
	b := bracketOf(v)
	if b == binData {
		subtype, _ := v.Binary()
		if subtype == bson.TypeBinaryUUID {
			return "UUID"
		}
		return fmt.Sprint(b, " ", subtype)
	}
	return string(b)
}

// flush yields what was read, and reports whether more is wanted.
func (p *pass) flush(next position) (bool, error) {
	b, err := p.documents.batch()
	if err != nil {
		return false, err
	}
	if p.Table.Effective() == connector.Incremental {
		if b.Next, err = next.text(); err != nil {
			return false, err
		}
	}
	p.documents = newDocuments(p.collection.Name)
	return p.yield(b), nil
}
