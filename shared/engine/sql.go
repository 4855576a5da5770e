package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// SQL runs callers' own statements. It is an interface so that who describes the API
// needs no engine.
type SQL interface {
	// Run answers a statement. One that is not allowed, or cannot be answered within
	// its bounds, is fault.Invalid; when ctx ends first it returns fault.Unavailable.
	Run(ctx context.Context, s Statement) (query.Result, error)
}

// Statement is what a caller asks.
type Statement struct {
	SQL        string
	Parameters []Parameter
	// Open pins a dataset for the caller, or says that there is none or that the
	// caller may not.
	Open func(context.Context, dataset.Name) (Visible, error)
}

// Visible is what a caller sees of a dataset.
type Visible struct {
	snapshot.Snapshot
	View        query.View
	Restriction query.Restriction // that the view is of, for who looks at another version later
	Only        *Parts            // nil: the rows of all parts
}

// Parts are some of the parts of a dataset's rows, for a statement that is asked for those
// alone.
type Parts struct {
	Column string     // that tells the part of a row
	Grain  string     // of date_trunc, where the column is a time: a part is such a period, in UTC; empty: parts are the column's values, as text
	Values rows.Batch // one column: of ints, when periods begin in UTC microseconds, or of texts
	Null   bool       // the part of the rows without a value is among them
}

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
	if text[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, badParameters(err)
		}
		out := make([]Parameter, len(list))
		for i, raw := range list {
			var err error
			if out[i], err = parameter(strconv.Itoa(i+1), raw); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, badParameters(err)
	}
	var out []Parameter
	for name, raw := range object {
		p, err := parameter(name, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func badParameters(err error) error {
	return fault.New(fault.Invalid, "sql_parameter", "parameters is neither an array nor an object").Because(err)
}

func parameter(name string, raw json.RawMessage) (Parameter, error) {
	v, err := scalar(raw)
	if err != nil {
		return Parameter{}, fault.New(fault.Invalid, "sql_parameter", "parameter %.80q is not a text, a number of 64 bits, true, false or null", name).
			WithHint("send times, large numbers and lists as text, and cast them: $1::hugeint, $1::json")
	}
	return Parameter{name, v}, nil
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
