package gate

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// Callers are whom a rule or a grant is about: those of any of the roles or groups, and those who
// are named.
type Callers struct {
	Roles  []access.Role `json:"roles,omitempty" doc:"viewer, analyst and so on"`
	Groups []string      `json:"groups,omitempty"`
	Users  []string      `json:"users,omitempty" doc:"as GET /v1/me tells their ids" example:"key:0123456789abcdef"`
}

// include reports whether a rule about a dataset is about p, who may have several roles
// there.
func (c Callers) include(p access.Principal, on dataset.Name) bool {
	return slices.ContainsFunc(c.Roles, func(r access.Role) bool { return p.Holds(r, on) }) || slices.Contains(c.Users, p.ID) ||
		slices.ContainsFunc(c.Groups, func(g string) bool { return slices.Contains(p.Groups, g) })
}

// maxCallers bounds each list of a rule.
const maxCallers = 100

func (c Callers) check() error {
	switch n := len(c.Roles) + len(c.Groups) + len(c.Users); {
	case n == 0:
		return fault.New(fault.Invalid, "rule_of_nobody", "the rule is about nobody").WithHint(`name them: {"roles": ["viewer"]}, or groups, or users`)
	case len(c.Roles) > maxCallers || len(c.Groups) > maxCallers || len(c.Users) > maxCallers:
		return fault.New(fault.Invalid, "rule_too_large", "a rule names at most %d roles, groups and users each", maxCallers)
	}
	for _, role := range c.Roles {
		if !role.Known() {
			return fault.New(fault.Invalid, "bad_role", "%.40q is not a role", string(role)).WithHint("owner, admin, editor, analyst, viewer or producer")
		}
	}
	return nil
}

// RowFilter lets callers see those rows of a dataset alone that a filter is true of. Of
// several filters all must be true.
type RowFilter struct {
	ID      string       `json:"id"`
	Created time.Time    `json:"created"`
	Dataset dataset.Name `json:"dataset"`
	Callers
	Filter json.RawMessage `json:"filter"`
}

func (f RowFilter) check() error {
	if err := f.Dataset.Check(); err != nil {
		return err
	}
	if err := f.Callers.check(); err != nil {
		return err
	}
	_, err := query.DecodeRestriction(f.Filter)
	return err
}

// Masking is what is seen in the place of a column's values.
type Masking string

// The maskings, from the one that shows least.
const (
	Hide     Masking = "hide"     // no such column
	Hash     Masking = "hash"     // equal values look equal
	Truncate Masking = "truncate" // the first letters
)

// ColumnMask hides the values of a column from callers. Of several masks the one counts
// that shows least.
type ColumnMask struct {
	ID      string       `json:"id"`
	Created time.Time    `json:"created"`
	Dataset dataset.Name `json:"dataset"`
	Callers
	Column  string  `json:"column"`
	Mask    Masking `json:"mask"`
	Letters int     `json:"letters,omitempty"` // of Truncate
}

// maxLetters bounds what a truncated value shows.
const maxLetters = 100

func (m ColumnMask) check() error {
	if err := m.Dataset.Check(); err != nil {
		return err
	}
	if err := m.Callers.check(); err != nil {
		return err
	}
	switch {
	case m.Column == "" || len(m.Column) > 256 || strings.HasPrefix(m.Column, dataset.ColumnProperties+"."):
		return fault.New(fault.Invalid, "bad_mask", "a mask needs a column").WithHint("a property has the name of its column")
	case m.Column == dataset.ColumnTime || m.Column == dataset.ColumnEvent:
		return fault.New(fault.Invalid, "bad_mask", "column %q cannot be masked", m.Column).WithHint("restrict the rows with POST /v1/row-filters")
	case m.Mask == Truncate && (m.Letters < 1 || m.Letters > maxLetters):
		return fault.New(fault.Invalid, "bad_mask", "a truncated value shows 1 to %d letters", maxLetters).WithHint(`{"mask": "truncate", "letters": 3}`)
	case m.Mask != Truncate && m.Letters != 0:
		return fault.New(fault.Invalid, "bad_mask", "letters are of truncate")
	case m.Mask != Hide && m.Mask != Hash && m.Mask != Truncate:
		return fault.New(fault.Invalid, "bad_mask", "%.40q is no mask", string(m.Mask)).WithHint("hide, hash or truncate")
	}
	return nil
}

// rules are a tenant's.
type rules struct {
	filters []RowFilter
	masks   []ColumnMask
	grants  []Grant
	carried []Carried
	salt    string // of hashes
}

// restriction is what a caller does not see of a dataset.
func (r rules) restriction(p access.Principal, of dataset.Name) (query.Restriction, error) {
	return r.inherited(p, of, of, 0)
}

// stated is what the rules of a dataset itself keep from a caller, who looks at it or at
// something that was made of it.
func (r rules) stated(p access.Principal, at, of dataset.Name) (out query.Restriction, err error) {
	about := func(c Callers) bool { return c.include(p, of) || c.include(p, at) }
	for _, f := range r.filters {
		if f.Dataset != of || !about(f.Callers) {
			continue
		}
		filter, err := query.DecodeRestriction(f.Filter)
		if err != nil {
			return out, err // it was checked when it was stored
		}
		out.Filters = append(out.Filters, filter)
		out.Attributes = p.Attributes
	}
	least := map[string]ColumnMask{}
	for _, m := range r.masks {
		if m.Dataset != of || !about(m.Callers) {
			continue
		}
		if held, ok := least[m.Column]; !ok || m.showsLess(held) {
			least[m.Column] = m
		}
	}
	for column, m := range least {
		if out.Masks == nil {
			out.Masks = map[string]query.Mask{}
		}
		out.Masks[column] = m.of(r.salt)
	}
	return out, nil
}

var showing = []Masking{Hide, Hash, Truncate}

func (m ColumnMask) showsLess(o ColumnMask) bool {
	a, b := slices.Index(showing, m.Mask), slices.Index(showing, o.Mask)
	return a < b || a == b && m.Letters < o.Letters
}

func (m ColumnMask) of(salt string) query.Mask {
	switch m.Mask {
	case Hash:
		return query.Hashed(salt)
	case Truncate:
		return query.Truncated(m.Letters)
	}
	return query.Hidden
}
