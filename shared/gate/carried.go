package gate

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Carried says that a dataset was made of others, so that who does not see all of those
// does not see all of it: a transformation is no way around the gate. It is written in the
// commit that makes the data visible.
type Carried struct {
	Dataset dataset.Name `json:"dataset"`
	Of      []Origin     `json:"of"` // none: an owner has released it
}

// Origin is a dataset that another was made of.
type Origin struct {
	Dataset dataset.Name `json:"dataset"`
	// Rows are its columns by which the making distributes, with those of the result that
	// have their values: to filter the result by one is to filter the origin by the other.
	Rows map[string]string `json:"rows,omitempty"`
	// Passed are its columns whose values stand in columns of the result and are used for
	// nothing else: to mask those is to mask these.
	Passed map[string][]string `json:"passed,omitempty"`
	Read   []string            `json:"read,omitempty"`  // columns that the making may look at, in lower case
	Whole  bool                `json:"whole,omitempty"` // it may look at any
}

const carriedPrefix = "carried#"

// CarriedBy is the write that keeps what a dataset carries, in the place of what it carried.
func CarriedBy(t tenant.ID, c Carried) (table.Write, error) {
	body, err := json.Marshal(c)
	return table.Put(table.Item{Key: carriedKey(t, c.Dataset), Body: body}), err
}

func carriedKey(t tenant.ID, of dataset.Name) table.Key {
	return table.Key{Partition: partition(t), Sort: carriedPrefix + string(of)}
}

// maxOrigins bounds the way back from a result to what it was made of.
const maxOrigins = 100

// inherited adds what a caller does not see of a dataset because of what it was made of. What
// cannot be said of the dataset's own rows and columns is fault.Denied.
func (r rules) inherited(p access.Principal, at, of dataset.Name, depth int) (out query.Restriction, err error) {
	out, err = r.stated(p, at, of)
	i := slices.IndexFunc(r.carried, func(c Carried) bool { return c.Dataset == of })
	if err != nil || i < 0 {
		return out, err
	}
	if depth > maxOrigins {
		return out, uncarried(of, of)
	}
	for _, origin := range r.carried[i].Of {
		above, err := r.inherited(p, at, origin.Dataset, depth+1)
		if err != nil {
			return out, err
		}
		if err := origin.carry(above, of, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// carry says of a result what is said of its origin.
func (o Origin) carry(above query.Restriction, to dataset.Name, out *query.Restriction) error {
	for _, f := range above.Filters {
		moved, ok := o.filter(f)
		if !ok {
			return uncarried(to, o.Dataset)
		}
		out.Filters = append(out.Filters, moved)
		out.Attributes = above.Attributes
	}
	for column, mask := range above.Masks {
		columns, passed := o.Passed[column]
		if !passed && (o.Whole || slices.Contains(o.Read, strings.ToLower(column))) {
			return uncarried(to, o.Dataset)
		}
		for _, c := range columns {
			hide(out, c, mask)
		}
	}
	return nil
}

// hide masks a column. Of two masks, neither shows less for certain.
func hide(out *query.Restriction, column string, mask query.Mask) {
	if held, ok := out.Masks[column]; ok && held != mask {
		mask = query.Hidden
	}
	if out.Masks == nil {
		out.Masks = map[string]query.Mask{}
	}
	out.Masks[column] = mask
}

// filter is a filter of the origin as one of the result, if there is one.
func (o Origin) filter(f query.Filter) (query.Filter, bool) {
	ok := f.Audience == ""
	if f.Column != "" {
		if f.Column, ok = o.Rows[f.Column]; !ok {
			return f, false
		}
	}
	all := func(list []query.Filter) []query.Filter {
		var out []query.Filter
		for _, part := range list {
			moved, can := o.filter(part)
			ok = ok && can
			out = append(out, moved)
		}
		return out
	}
	f.And, f.Or = all(f.And), all(f.Or)
	if f.Not != nil {
		moved, can := o.filter(*f.Not)
		f.Not, ok = &moved, ok && can
	}
	return f, ok
}

func uncarried(of, origin dataset.Name) error {
	return fault.New(fault.Denied, "restricted", "you see a part of dataset %q, of which %q was made, and nobody can tell which part of this you would see", origin, of).
		WithHint("an owner may release the model from the rules of what it reads, or let it keep the columns that they name")
}
