package query

import "fmt"

// decodeFilterField decodes the filter of a request or a measure, nil when absent.
func decodeFilterField(o object, name string) (*Filter, error) {
	value := o.members[name]
	if value == nil {
		return nil, nil
	}
	left := MaxOperands
	f, err := decodeFilter(o.at(name), value, &left)
	return &f, err
}

// decodeFilter decodes a tree that may still have left nodes.
func decodeFilter(path string, value any, left *int) (Filter, error) {
	if *left--; *left < 0 {
		return Filter{}, refuse(path, "a filter has at most %d conditions", MaxOperands)
	}
	o, err := asObject(path, value, "and", "or", "not", "audience", "column", "op", "value", "attribute")
	if err != nil {
		return Filter{}, err
	}
	and, or, not, audience, column := o.members["and"], o.members["or"], o.members["not"], o.members["audience"], o.members["column"]
	given := 0
	for _, v := range []any{and, or, not, audience, column} {
		if v != nil {
			given++
		}
	}
	if given != 1 || column == nil && len(o.members) > 1 {
		return Filter{}, refuse(path, "must be one of and, or, not, an audience, or a condition").
			WithHint(`{"column": "country", "op": "=", "value": "CH"}, or {"and": [...]}, {"or": [...]}, {"not": {...}}`)
	}
	switch {
	case and != nil:
		list, err := decodeOperands(o, "and", left)
		return Filter{And: list}, err
	case or != nil:
		list, err := decodeOperands(o, "or", left)
		return Filter{Or: list}, err
	case not != nil:
		operand, err := decodeFilter(o.at("not"), not, left)
		return Filter{Not: &operand}, err
	case audience != nil:
		name, err := o.text("audience")
		if err == nil && name == "" {
			err = refuse(o.at("audience"), "is empty")
		}
		return Filter{Audience: name}, err
	}
	return decodeCondition(o)
}

func decodeOperands(o object, name string, left *int) ([]Filter, error) {
	list, err := o.list(name, MaxOperands)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, refuse(o.at(name), "is empty").WithHint("leave the filter out to match all rows")
	}
	out := make([]Filter, len(list))
	for i, value := range list {
		if out[i], err = decodeFilter(fmt.Sprintf("%s[%d]", o.at(name), i), value, left); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decodeCondition(o object) (Filter, error) {
	var f Filter
	var err error
	if f.Column, err = o.text("column"); err != nil {
		return f, err
	}
	if f.Op, err = choice(o, "op", comparisons); err != nil {
		return f, err
	}
	if f.Op == "" {
		return f, refuse(o.path, "has no op").WithHint("ops: %s", listed(texts(comparisons)))
	}
	if f.Attribute, err = o.text("attribute"); err != nil {
		return f, err
	}
	f.Value = o.members["value"]
	if f.Attribute != "" {
		return f, attributeFits(o, f)
	}
	list, isList := f.Value.([]any)
	switch f.Op {
	case IsNull, IsNotNull:
		if f.Value != nil {
			return f, refuse(o.at("value"), "%s takes no value", f.Op)
		}
	case In, NotIn:
		if !isList || len(list) == 0 || len(list) > MaxValues {
			return f, refuse(o.at("value"), "%s needs a list of 1 to %d values", f.Op, MaxValues)
		}
	case Between:
		if !isList || len(list) != 2 {
			return f, refuse(o.at("value"), "between needs [low, high]")
		}
	default:
		if f.Value == nil {
			return f, refuse(o.at("value"), "is missing").WithHint("to match nulls use the op is_null")
		}
		if isList {
			return f, refuse(o.at("value"), "%s takes one value, not a list", f.Op).WithHint("to match any of several use the op in")
		}
	}
	return f, nil
}

// attributeFits refuses what cannot be compared with a caller's attribute.
func attributeFits(o object, f Filter) error {
	switch {
	case f.Value != nil:
		return refuse(o.path, "has a value and an attribute").WithHint("give one of them")
	case f.Op == IsNull || f.Op == IsNotNull || f.Op == Between:
		return refuse(o.at("attribute"), "%s takes none", f.Op).WithHint("use = or in")
	}
	return nil
}
