package mongodb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/connector"
)

// position is where reading a collection goes on. As canonical extended JSON its values
// keep their types, without which MongoDB does not compare them.
type position struct {
	Through bson.RawValue   `bson:"through,omitempty"` // of a pass under way: the last cursor that is part of it
	After   []bson.RawValue `bson:"after,omitempty"`   // cursor and _id of the last document that was read
	Read    bson.RawValue   `bson:"read,omitempty"`    // of a pass that ended: its last cursor
	Key     []string        `bson:"key,omitempty"`     // what the values of the key are; empty: none was seen
}

func (p position) text() (json.RawMessage, error) { return bson.MarshalExtJSON(p, true, true) }

func positionOf(text json.RawMessage) (p position, err error) {
	if text == nil {
		return p, nil
	}
	if err := bson.UnmarshalExtJSON(text, true, &p); err != nil {
		return p, fmt.Errorf("position in a collection: %w", err)
	}
	return p, nil
}

// bracket is a set of types whose values MongoDB compares with each other. A condition is
// never true of a value in another bracket.
type bracket string

// The brackets that can be read in order. Others are none.
const (
	none     bracket = ""
	number   bracket = "number"
	chars    bracket = "string"
	objectID bracket = "ObjectId"
	date     bracket = "date"
	boolean  bracket = "bool"
	binData  bracket = "binary"
	document bracket = "document"
)

func bracketOf(v bson.RawValue) bracket {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64:
		return number
	case bson.TypeDouble:
		if math.IsNaN(v.Double()) { // which comes before all numbers, and is compared with none
			return none
		}
		return number
	case bson.TypeDecimal128:
		if v.Decimal128().IsNaN() {
			return none
		}
		return number
	case bson.TypeString:
		return chars
	case bson.TypeObjectID:
		return objectID
	case bson.TypeDateTime:
		return date
	case bson.TypeBoolean:
		return boolean
	case bson.TypeBinary:
		return binData
	case bson.TypeEmbeddedDocument:
		return document
	}
	return none
}

// cursor reports whether the values of a bracket can be cursors.
func (b bracket) cursor() bool { return b == number || b == chars || b == objectID || b == date }

// back returns a cursor's value less the window.
func back(v bson.RawValue, w connector.Window) (any, error) {
	switch bracketOf(v) {
	case date:
		d, err := w.Time()
		return bson.DateTime(v.DateTime() - int64((d+time.Millisecond-1)/time.Millisecond)), err
	case objectID:
		d, err := w.Time()
		return backID(v.ObjectID(), d), err
	case number:
		n, err := w.Span()
		return backNumber(v, n), err
	}
	return v, nil
}

// backID subtracts from the seconds that an id begins with.
func backID(id bson.ObjectID, d time.Duration) (least bson.ObjectID) {
	at := max(0, id.Timestamp().Add(-d).Unix())
	binary.BigEndian.PutUint32(least[:4], uint32(at)) // #nosec G115 -- no later than the id's
	return least
}

// backNumber subtracts. What an int cannot hold is made a little less.
func backNumber(v bson.RawValue, span int64) any {
	var f float64
	switch v.Type {
	case bson.TypeDouble:
		f = v.Double()
	case bson.TypeDecimal128:
		f, _ = strconv.ParseFloat(v.Decimal128().String(), 64) // beyond a float's range the greatest
	default:
		if n := v.AsInt64(); n >= math.MinInt64+span {
			return n - span
		}
		return int64(math.MinInt64)
	}
	return math.Nextafter(f-float64(span), math.Inf(-1))
}
