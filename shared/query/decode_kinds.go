package query

import "fmt"

// decodeFollowed decodes the fields of the kinds that follow subjects. The object has
// none that is not of its kind.
func decodeFollowed(o object, r *Request) error {
	r.Start = o.members["start"]
	return first(
		func() (err error) { r.Subject, err = o.text("subject"); return },
		func() (err error) { r.Steps, err = decodeEach(o, "steps", MaxSteps, decodeStep); return },
		func() (err error) { r.Unordered, err = o.boolean("unordered"); return },
		func() (err error) { r.Window, err = o.text("window"); return },
		func() (err error) { r.Exclude, err = decodeEach(o, "exclude", MaxSteps, decodeExclusion); return },
		func() (err error) { r.Cohort, err = decodeFilterField(o, "cohort"); return },
		func() (err error) { r.Returning, err = decodeFilterField(o, "returning"); return },
		func() (err error) { r.Recurring, err = o.boolean("recurring"); return },
		func() (err error) { r.Periods, err = o.whole("periods", 1, MaxPeriods); return },
		func() (err error) { r.Column, err = o.text("column"); return },
		func() (err error) { r.Before, err = o.boolean("before"); return },
		func() (err error) { r.Depth, err = o.whole("depth", 1, MaxPath); return },
		func() (err error) { r.Collapse, err = o.boolean("collapse"); return },
		func() (err error) { r.Timeout, err = o.text("timeout"); return },
		func() (err error) { r.Where, err = decodeWhere(o); return },
		func() (err error) { r.List, err = o.boolean("list"); return },
	)
}

func decodeStep(path string, value any) (Step, error) {
	o, err := asObject(path, value, "name", "filter")
	if err != nil {
		return Step{}, err
	}
	var s Step
	if s.Name, err = o.text("name"); err != nil {
		return s, err
	}
	s.Filter, err = decodeFilterField(o, "filter")
	return s, err
}

func decodeExclusion(path string, value any) (Exclusion, error) {
	o, err := asObject(path, value, "filter", "after")
	if err != nil {
		return Exclusion{}, err
	}
	f, err := decodeFilterField(o, "filter")
	if err != nil {
		return Exclusion{}, err
	}
	if f == nil {
		return Exclusion{}, refuse(o.at("filter"), "is missing")
	}
	after, err := o.whole("after", 1, MaxSteps)
	return Exclusion{*f, after}, err
}

func decodeWhere(o object) (*Behaviour, error) {
	value := o.members["where"]
	if value == nil {
		return nil, nil
	}
	left := MaxDeeds
	w, err := decodeBehaviour(o.at("where"), value, &left)
	return &w, err
}

// decodeBehaviour decodes a tree that may still have left nodes.
func decodeBehaviour(path string, value any, left *int) (Behaviour, error) {
	if *left--; *left < 0 {
		return Behaviour{}, refuse(path, "an audience has at most %d conditions", MaxDeeds)
	}
	if members, ok := value.(map[string]any); ok && (members["column"] != nil || members["audience"] != nil) {
		value = map[string]any{"did": value}
	}
	o, err := asObject(path, value, "and", "or", "not", "did", "at_least", "at_most")
	if err != nil {
		return Behaviour{}, err
	}
	given := 0
	for _, name := range []string{"and", "or", "not", "did"} {
		given += boolCount(o.members[name] != nil)
	}
	if given != 1 || o.members["did"] == nil && len(o.members) > 1 {
		return Behaviour{}, refuse(path, "must be one of and, or, not, or did").
			WithHint(`{"did": {"column": "event", "op": "=", "value": "buy"}, "at_least": 2}, or {"and": [...]}, {"or": [...]}, {"not": {...}}`)
	}
	var w Behaviour
	switch {
	case o.members["and"] != nil:
		w.And, err = decodeBehaviours(o, "and", left)
	case o.members["or"] != nil:
		w.Or, err = decodeBehaviours(o, "or", left)
	case o.members["not"] != nil:
		var operand Behaviour
		operand, err = decodeBehaviour(o.at("not"), o.members["not"], left)
		w.Not = &operand
	default:
		err = decodeDid(o, &w)
	}
	return w, err
}

func decodeDid(o object, w *Behaviour) error {
	const most = 1_000_000
	err := first(
		func() (err error) { w.Did, err = decodeFilterField(o, "did"); return },
		func() (err error) { w.AtLeast, err = o.whole("at_least", 1, most); return },
		func() (err error) { w.AtMost, err = o.whole("at_most", 1, most); return },
	)
	if err == nil && w.AtMost > 0 && w.AtMost < w.AtLeast {
		err = refuse(o.at("at_most"), "is less than at_least")
	}
	return err
}

func decodeBehaviours(o object, name string, left *int) ([]Behaviour, error) {
	list, err := o.list(name, MaxDeeds)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, refuse(o.at(name), "is empty")
	}
	out := make([]Behaviour, len(list))
	for i, value := range list {
		if out[i], err = decodeBehaviour(fmt.Sprintf("%s[%d]", o.at(name), i), value, left); err != nil {
			return nil, err
		}
	}
	return out, nil
}
