package query

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

// View is a dataset as a caller sees it: which columns there are, and which rows. What
// is bound to a View has the View in it: no engine sees a plan that reads more.
type View struct {
	Kind   dataset.Kind
	Schema dataset.Schema
	Rows   *Expr           // of what is seen; nil: all
	Masks  map[string]Mask // by column
}

// Whole is the view of who sees everything.
func Whole(kind dataset.Kind, schema dataset.Schema) View { return View{Kind: kind, Schema: schema} }

// Restricted reports whether there is anything that the view does not show.
func (v View) Restricted() bool { return v.Rows != nil || len(v.Masks) > 0 }

// Columns lists the columns that are seen, the fixed ones first.
func (v View) Columns() (out []dataset.Column) {
	all := v.Schema.Columns
	if v.Kind == dataset.Events {
		all = slices.Concat(dataset.Fixed, all)
	}
	for _, c := range all {
		switch mask := v.maskOf(c.Name); mask {
		case "":
			out = append(out, c)
		case Hidden:
		default:
			out = append(out, dataset.Column{Name: c.Name, Type: dataset.Text})
		}
	}
	return out
}

// Fields lists the columns that are seen as a plan reads them.
func (v View) Fields() (out []Field) {
	for _, c := range v.Columns() {
		out = append(out, Field{Name: c.Name, Type: c.Type, Mask: v.maskOf(c.Name)})
	}
	return out
}

// maskOf is the mask of a column. A value that did not fit its column is in the JSON
// column, which nobody sees who does not see all columns.
func (v View) maskOf(column string) Mask {
	if column == dataset.ColumnProperties && v.Kind == dataset.Events && len(v.Masks) > 0 {
		return Hidden
	}
	return v.Masks[column]
}

// Key is a text that equal views, and only they, share: of a whole one it is empty.
func (v View) Key() string {
	if !v.Restricted() {
		return ""
	}
	text, _ := json.Marshal(struct {
		Rows  *Expr
		Masks map[string]Mask
	}{v.Rows, v.Masks}) // holds nothing that cannot be marshalled
	return string(text)
}

// Mask is what a caller sees in the place of a column's values: nothing, as if there
// were no such column; a hash with a salt, equal of equal values; or the first letters.
type Mask string

// Hidden shows nothing. Other masks are made by Hashed and Truncated.
const Hidden Mask = "hide"

// Hashed shows the first 32 hex digits of SHA-256 of a salt and the value.
func Hashed(salt string) Mask { return Mask("hash:" + salt) }

// Truncated shows the first letters.
func Truncated(letters int) Mask { return Mask("truncate:" + strconv.Itoa(letters)) }

// Salt returns the salt of a hash.
func (m Mask) Salt() (salt string, ok bool) { return strings.CutPrefix(string(m), "hash:") }

// Letters returns how many letters a truncated value has.
func (m Mask) Letters() (n int, ok bool) {
	text, ok := strings.CutPrefix(string(m), "truncate:")
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}

// Restriction is what a caller does not see of a dataset, before its schema is known.
// Filters can name attributes of the caller in the place of values.
type Restriction struct {
	Filters    []Filter            `json:"filters,omitempty"` // a row is seen that all of them are true of
	Attributes map[string][]string `json:"attributes,omitempty"`
	Masks      map[string]Mask     `json:"masks,omitempty"`
}

// View returns what is seen through the restriction. Where a filter cannot be told of
// rows, because an attribute or a column is missing or its type is another, no row is.
func (r Restriction) View(kind dataset.Kind, schema dataset.Schema) View {
	out := View{Kind: kind, Schema: schema, Masks: maps.Clone(r.Masks)}
	if len(r.Filters) == 0 {
		return out
	}
	b := binder{scope: scopeOf(Whole(kind, schema)), attributes: r.Attributes}
	all := Expr{Node: NodeAnd}
	for _, f := range r.Filters {
		e, err := b.filter("filter", f)
		if err != nil {
			return out.empty()
		}
		all.Args = append(all.Args, e)
	}
	rows := normalize(all)
	out.Rows = &rows
	return out
}

// empty is the view of who sees no row.
func (v View) empty() View {
	field := Field{Name: dataset.ColumnEvent, Type: dataset.Text}
	if v.Kind != dataset.Events {
		field = Field{Type: dataset.Text} // of no column: every value is null
	}
	v.Rows = &Expr{Node: NodeNever, Field: &field}
	return v
}

// attribute puts a caller's attribute in the place of a condition's value, as a value of
// the field's type.
func (b *binder) attribute(path string, field Field, f Filter) (Filter, error) {
	given := b.attributes[f.Attribute]
	if len(given) == 0 { // callers' own filters have none
		return f, refuse(path, "the caller has no attribute %q", f.Attribute)
	}
	values := make([]any, len(given))
	for i, text := range given {
		values[i] = typedText(field.Type, text)
	}
	f.Attribute = ""
	switch {
	case f.Op == In || f.Op == NotIn:
		f.Value = values
	case len(values) == 1:
		f.Value = values[0]
	default:
		return f, refuse(path, "attribute %q has several values, and %s takes one", f.Attribute, f.Op)
	}
	return f, nil
}

// typedText is a text as JSON has values of a type.
func typedText(t dataset.Type, text string) any {
	switch t {
	case dataset.Int, dataset.Float:
		return json.Number(text)
	case dataset.Bool:
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return text
}

// CheckRestriction says with fault.Invalid what is wrong with a filter that is to
// restrict callers. It need not fit a schema, which may come later.
func CheckRestriction(f Filter) error {
	switch {
	case f.Audience != "":
		return refuse("filter", "rows are not restricted by an audience").WithHint("name a column")
	case f.Not != nil:
		return CheckRestriction(*f.Not)
	}
	for _, all := range [][]Filter{f.And, f.Or} {
		for _, one := range all {
			if err := CheckRestriction(one); err != nil {
				return err
			}
		}
	}
	return nil
}

// DecodeRestriction reads a filter that may name attributes.
func DecodeRestriction(text []byte) (Filter, error) {
	value, err := parse(text)
	if err != nil {
		return Filter{}, err
	}
	left := MaxOperands
	f, err := decodeFilter("filter", value, &left)
	if err != nil {
		return f, err
	}
	return f, CheckRestriction(f)
}
