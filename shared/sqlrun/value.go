package sqlrun

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// value takes a value as the driver gives it.
func (k *kind) value(v any) (query.Value, error) {
	switch v := v.(type) {
	case nil:
		return query.Value{}, nil
	case bool:
		return query.BoolValue(v), nil
	case *big.Int:
		return query.BigValue(v), nil
	case float32:
		return query.FloatValue(float64(v)), nil
	case float64:
		return query.FloatValue(v), nil
	case duckdb.Decimal:
		return query.DecimalValue(decimalText(v)), nil
	case duckdb.Interval:
		return query.TextValue(intervalText(v)), nil
	case time.Time:
		return k.instant(v)
	case []byte:
		return query.TextValue(base64.StdEncoding.EncodeToString(v)), nil
	case string:
		if k.name == "BIGNUM" {
			return query.DecimalValue(v), nil
		}
		return query.TextValue(v), nil
	}
	if i, ok := whole(v); ok {
		return query.BigValue(i), nil
	}
	b, err := k.appendJSON(nil, v)
	return query.TextValue(string(b)), err
}

func whole(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case int8:
		return big.NewInt(int64(v)), true
	case int16:
		return big.NewInt(int64(v)), true
	case int32:
		return big.NewInt(int64(v)), true
	case int64:
		return big.NewInt(v), true
	case uint8:
		return big.NewInt(int64(v)), true
	case uint16:
		return big.NewInt(int64(v)), true
	case uint32:
		return big.NewInt(int64(v)), true
	case uint64:
		return new(big.Int).SetUint64(v), true
	}
	return nil, false
}

// instant takes a time or a date, if RFC 3339 can write it.
func (k *kind) instant(t time.Time) (query.Value, error) {
	if t.Year() < 0 || t.Year() > 9999 {
		return query.Value{}, fault.New(fault.Invalid, "sql_value", "the answer holds a %s outside the years 0 to 9999", k.answer()).
			WithHint("cast it to varchar, or leave it out with isfinite")
	}
	if k.name == "DATE" {
		return query.TextValue(t.Format(time.DateOnly)), nil
	}
	return query.TimeValue(t.UnixMicro()), nil
}

// decimalText writes a decimal with all the digits of its scale.
func decimalText(d duckdb.Decimal) string {
	digits := new(big.Int).Abs(d.Value).String()
	for len(digits) <= int(d.Scale) {
		digits = "0" + digits
	}
	at := len(digits) - int(d.Scale)
	text := digits[:at]
	if d.Scale > 0 {
		text += "." + digits[at:]
	}
	if d.Value.Sign() < 0 {
		text = "-" + text
	}
	return text
}

// intervalText writes an interval as ISO 8601 has it. Months, days and what is less
// than a day do not add up, and may differ in sign.
func intervalText(i duckdb.Interval) string {
	text := "P"
	if years := i.Months / 12; years != 0 {
		text += strconv.Itoa(int(years)) + "Y"
	}
	if months := i.Months % 12; months != 0 {
		text += strconv.Itoa(int(months)) + "M"
	}
	if i.Days != 0 {
		text += strconv.Itoa(int(i.Days)) + "D"
	}
	if i.Micros != 0 {
		text += "T" + clockText(i.Micros)
	}
	if text == "P" {
		return "PT0S"
	}
	return text
}

func clockText(micros int64) (text string) {
	const second, minute, hour = int64(1e6), int64(60e6), int64(3600e6)
	if hours := micros / hour; hours != 0 {
		text += strconv.FormatInt(hours, 10) + "H"
	}
	if minutes := micros % hour / minute; minutes != 0 {
		text += strconv.FormatInt(minutes, 10) + "M"
	}
	rest := micros % minute
	if rest == 0 {
		return text
	}
	if rest < 0 {
		text += "-"
		rest = -rest
	}
	text += strconv.FormatInt(rest/second, 10)
	if rest%second != 0 {
		fraction := fmt.Sprintf(".%06d", rest%second)
		for fraction[len(fraction)-1] == '0' {
			fraction = fraction[:len(fraction)-1]
		}
		text += fraction
	}
	return text + "S"
}

// appendJSON writes a value within a list, a map, a struct or a union.
func (k *kind) appendJSON(b []byte, v any) ([]byte, error) {
	if v == nil {
		return append(b, "null"...), nil
	}
	switch k.name {
	case "LIST", "ARRAY":
		return k.appendList(b, v)
	case "STRUCT":
		return k.appendStruct(b, v)
	case "MAP":
		return k.appendMap(b, v)
	case "UNION":
		return k.appendUnion(b, v)
	case "JSON":
		return k.appendDocument(b, v)
	}
	value, err := k.value(v)
	if err != nil {
		return nil, err
	}
	return value.AppendJSON(b), nil
}

func (k *kind) appendDocument(b []byte, v any) ([]byte, error) {
	text, ok := v.(string)
	if !ok || !json.Valid([]byte(text)) {
		return nil, k.unexpected(v)
	}
	return append(b, text...), nil
}

func (k *kind) unexpected(v any) error { return fmt.Errorf("the driver gave a %T for %s", v, k) }

func (k *kind) appendList(b []byte, v any) ([]byte, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, k.unexpected(v)
	}
	b = append(b, '[')
	var err error
	for i, member := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = k.parts[0].appendJSON(b, member); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendStruct writes an object in the order of the struct's fields; a struct without
// names is a list.
func (k *kind) appendStruct(b []byte, v any) ([]byte, error) {
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, k.unexpected(v)
	}
	opened, closed := byte('{'), byte('}')
	if k.tuple {
		opened, closed = '[', ']'
	}
	b = append(b, opened)
	var err error
	for i, label := range k.labels {
		if i > 0 {
			b = append(b, ',')
		}
		if !k.tuple {
			b = append(query.TextValue(label).AppendJSON(b), ':')
		}
		if b, err = k.parts[i].appendJSON(b, fields[label]); err != nil {
			return nil, err
		}
	}
	return append(b, closed), nil
}

// appendMap writes an object where the keys are texts, and else a list of pairs.
func (k *kind) appendMap(b []byte, v any) ([]byte, error) {
	m, ok := v.(duckdb.OrderedMap)
	if !ok {
		return nil, k.unexpected(v)
	}
	opened, between, closed := "[", ",", "]"
	pair := [2]string{"[", "]"}
	if k.parts[0].answer() == query.Text {
		opened, between, closed, pair = "{", ":", "}", [2]string{}
	}
	b = append(b, opened...)
	keys, values := m.Keys(), m.Values()
	var err error
	for i := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, pair[0]...)
		if b, err = k.parts[0].appendJSON(b, keys[i]); err != nil {
			return nil, err
		}
		b = append(b, between...)
		if b, err = k.parts[1].appendJSON(b, values[i]); err != nil {
			return nil, err
		}
		b = append(b, pair[1]...)
	}
	return append(b, closed...), nil
}

// appendUnion writes an object with the one member that there is.
func (k *kind) appendUnion(b []byte, v any) ([]byte, error) {
	u, ok := v.(duckdb.Union)
	if !ok {
		return nil, k.unexpected(v)
	}
	for i, label := range k.labels {
		if label != u.Tag {
			continue
		}
		b = append(query.TextValue(label).AppendJSON(append(b, '{')), ':')
		b, err := k.parts[i].appendJSON(b, u.Value)
		return append(b, '}'), err
	}
	return nil, k.unexpected(u.Tag)
}
