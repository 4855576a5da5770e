package sqlrun

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/fault"
)

// Parameter is a value for a statement: a text, a bool, an int64, a float64 or nil.
type Parameter struct {
	Name  string // "1" and so on, or the word after the dollar sign
	Value any
}

// DecodeParameters reads a JSON array of values for ? and $1, or an object of values
// for $name.
func DecodeParameters(text []byte) ([]Parameter, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return nil, nil
	}
	var out []Parameter
	add := func(name string, raw json.RawMessage) error {
		v, err := scalar(raw)
		if err != nil {
			return fault.New(fault.Invalid, "sql_parameter", "parameter %.80q is not a text, a number of 64 bits, true, false or null", name).
				WithHint("send times, large numbers and lists as text, and cast them: $1::hugeint, $1::json")
		}
		out = append(out, Parameter{name, v})
		return nil
	}
	if text[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, badParameters(err)
		}
		for i, raw := range list {
			if err := add(strconv.Itoa(i+1), raw); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, badParameters(err)
	}
	for name, raw := range object {
		if err := add(name, raw); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func badParameters(err error) error {
	return fault.New(fault.Invalid, "sql_parameter", "parameters is neither an array nor an object").Because(err)
}

func scalar(raw json.RawMessage) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil, string, bool:
		return v, nil
	case json.Number:
		if !bytes.ContainsAny([]byte(v), ".eE") {
			return v.Int64()
		}
		return v.Float64()
	}
	return nil, strconv.ErrSyntax
}

// arguments puts parameters into the order of a statement's.
func arguments(names []string, given []Parameter) ([]Parameter, error) {
	if len(names) != len(given) {
		return nil, fault.New(fault.Invalid, "sql_parameter", "the statement has %d parameters, and %d were sent", len(names), len(given))
	}
	out := make([]Parameter, len(names))
	for i, name := range names {
		at := slices.IndexFunc(given, func(p Parameter) bool { return p.Name == name })
		if at < 0 {
			return nil, fault.New(fault.Invalid, "sql_parameter", "parameter %.80q is missing", name)
		}
		out[i] = given[at]
	}
	return out, nil
}
