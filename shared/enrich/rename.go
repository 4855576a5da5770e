package enrich

import (
	"slices"

	"github.com/tarnhq/tarn/events"
)

// op moves a value. Null is no id.
func (f Rename) op(step int) op {
	switch {
	case ids[f.From] != nil:
		return func(r *run) verdict { return f.fromID(r, step) }
	case ids[f.To] != nil:
		return func(r *run) verdict { return f.toID(r, step) }
	}
	return func(r *run) verdict { return f.property(r, step) }
}

func (f Rename) taken() verdict {
	return refuse("field_taken", "the event has a field \""+f.To+"\" already, which \""+f.From+"\" cannot be renamed to")
}

// fromID moves an id.
func (f Rename) fromID(r *run, step int) verdict {
	e := r.event
	from := ids[f.From](e)
	switch to := ids[f.To]; {
	case *from == "":
		return verdict{}
	case to != nil && *to(e) != "", to == nil && place(e, f.To) >= 0:
		return f.taken()
	case to != nil:
		*to(e) = *from
	default:
		e.Shape = r.shape(step, func() []string { return append(names(e.Shape), f.To) })
		e.Values = append(e.Values, events.Value{Kind: events.Text, Text: *from})
	}
	*from = ""
	return verdict{}
}

// toID makes a property an id: texts and numbers can be one.
func (f Rename) toID(r *run, step int) verdict {
	e := r.event
	i := place(e, f.From)
	if i < 0 || e.Values[i].Kind == events.Null {
		return verdict{}
	}
	to := ids[f.To](e)
	if *to != "" {
		return f.taken()
	}
	v := &e.Values[i]
	if v.Kind == events.Bool || v.Kind == events.JSON || len(v.Text) > events.MaxSubject {
		return refuse("bad_id", "the value of \""+f.From+"\" is no text of at most 256 bytes and no number, and cannot be \""+f.To+"\"")
	}
	*to = textOf(v)
	e.Shape = r.shape(step, func() []string { return slices.Delete(names(e.Shape), i, i+1) })
	e.Values = append(e.Values[:i], e.Values[i+1:]...)
	return verdict{}
}

func (f Rename) property(r *run, step int) verdict {
	e := r.event
	i := place(e, f.From)
	if i < 0 {
		return verdict{}
	}
	if place(e, f.To) >= 0 {
		return f.taken()
	}
	e.Shape = r.shape(step, func() []string {
		renamed := names(e.Shape)
		renamed[i] = f.To
		return renamed
	})
	return verdict{}
}
