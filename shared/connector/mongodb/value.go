package mongodb

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// maxDigits is how many decimal digits every float keeps.
const maxDigits = 15

// columnOf returns the column that a value alone would make, and false of what is a null.
// The name is left to the caller.
func columnOf(v bson.RawValue) (dataset.Column, bool) {
	c := dataset.Column{Type: dataset.Text}
	switch v.Type {
	case bson.TypeNull, bson.TypeUndefined:
		return c, false
	case bson.TypeBoolean:
		c.Type = dataset.Bool
	case bson.TypeInt32:
		c.Type = dataset.Int
	case bson.TypeInt64:
		c.Type, c.Wide = dataset.Int, !dataset.ExactFloat(v.Int64())
	case bson.TypeDouble:
		if f := v.Double(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			c.Type = dataset.Float
		}
	case bson.TypeDecimal128:
		if _, ok := decimalFloat(v.Decimal128()); ok {
			c.Type = dataset.Float
		}
	case bson.TypeDateTime:
		if _, ok := timeOf(v); ok {
			c.Type = dataset.Time
		}
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		c.Type = dataset.JSON
	}
	return c, true
}

// put adds a value to a column that has its type or a wider one. What it is in a wider one
// is what Tarn makes of it where the column widens later.
func put(c *rows.Values, v bson.RawValue) error {
	alone, ok := columnOf(v)
	switch {
	case !ok:
		c.AddNull()
	case c.Type == dataset.JSON:
		text, err := jsonOf(v, alone.Type)
		c.AddText(text)
		return err
	case c.Type == dataset.Text:
		text, err := textOf(v, alone.Type)
		c.AddText(text)
		return err
	case c.Type == dataset.Float:
		c.AddFloat(floatOf(v))
	case c.Type == dataset.Time:
		micros, _ := timeOf(v)
		c.AddTime(micros)
	case c.Type == dataset.Bool:
		c.AddBool(v.Boolean())
	default:
		c.AddInt(v.AsInt64())
	}
	return nil
}

// textOf writes a value of which columnOf has made a type.
func textOf(v bson.RawValue, alone dataset.Type) ([]byte, error) {
	switch alone {
	case dataset.Bool:
		return strconv.AppendBool(nil, v.Boolean()), nil
	case dataset.Int:
		return strconv.AppendInt(nil, v.AsInt64(), 10), nil
	case dataset.Float:
		return []byte(dataset.FormatFloat(floatOf(v))), nil
	case dataset.Time:
		micros, _ := timeOf(v)
		return []byte(dataset.FormatTime(micros)), nil
	case dataset.JSON:
		return extended(v)
	}
	switch v.Type {
	case bson.TypeString:
		return []byte(v.StringValue()), nil
	case bson.TypeSymbol:
		return []byte(v.Symbol()), nil
	case bson.TypeObjectID:
		id := v.ObjectID()
		return hex.AppendEncode(nil, id[:]), nil
	case bson.TypeBinary:
		return hexOf(v.Binary()), nil
	case bson.TypeDouble:
		return []byte(dataset.FormatFloat(v.Double())), nil
	case bson.TypeDecimal128:
		return []byte(v.Decimal128().String()), nil
	case bson.TypeDateTime:
		return v.Time().UTC().AppendFormat(nil, time.RFC3339Nano), nil
	}
	return extended(v) // a timestamp, an expression, code, the least and the greatest of keys
}

// jsonOf writes a value as JSON has it: what is text elsewhere is a string there.
func jsonOf(v bson.RawValue, alone dataset.Type) ([]byte, error) {
	text, err := textOf(v, alone)
	if err != nil || alone != dataset.Text && alone != dataset.Time {
		return text, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err = e.Encode(string(text))
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// extended writes a value as relaxed extended JSON: numbers are numbers, which a query can
// add up, and what JSON has no form for says what it is. Canonical extended JSON has every
// number in an object of its own, to tell its width; nothing else is lost.
func extended(v bson.RawValue) ([]byte, error) {
	const before, after = `{"":`, `}`
	text, err := bson.MarshalExtJSON(bson.D{{Key: "", Value: v}}, false, false)
	if err != nil {
		return nil, err
	}
	return text[len(before) : len(text)-len(after)], nil
}

// hexOf writes bytes as hex digits, those of a UUID with its hyphens. The old kind of UUIDs
// has no known order of bytes.
func hexOf(subtype byte, data []byte) []byte {
	if id, err := uuid.FromBytes(data); err == nil && subtype == bson.TypeBinaryUUID {
		return []byte(id.String())
	}
	return hex.AppendEncode(nil, data)
}

// timeOf returns a date in microseconds, unless it is beyond what a dataset holds.
func timeOf(v bson.RawValue) (micros int64, ok bool) {
	if v.Type != bson.TypeDateTime {
		return 0, false
	}
	t := v.Time().UTC()
	return t.UnixMicro(), t.Year() >= 0 && t.Year() <= 9999
}

// floatOf returns the number that a value is, which a float holds.
func floatOf(v bson.RawValue) float64 {
	switch v.Type {
	case bson.TypeDouble:
		return v.Double()
	case bson.TypeDecimal128:
		f, _ := decimalFloat(v.Decimal128())
		return f
	}
	return float64(v.AsInt64())
}

// decimalFloat returns a decimal as a float, if that keeps its digits.
func decimalFloat(d bson.Decimal128) (float64, bool) {
	text := d.String()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || f != 0 && math.Abs(f) < 0x1p-1022 { // below which floats have fewer digits
		return 0, false
	}
	digits, _, _ := strings.Cut(text, "E")
	digits = strings.Trim(strings.Replace(strings.TrimLeft(digits, "-"), ".", "", 1), "0")
	return f, len(digits) <= maxDigits && (f != 0 || digits == "")
}
