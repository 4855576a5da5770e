package access

import (
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Granted is what a principal was given beside what its role gives it: a role on one
// dataset, as if it were bound to that, or the answers of one saved query.
type Granted struct {
	Dataset dataset.Name `json:"dataset"`
	Saved   string       `json:"saved,omitempty"` // the only question it may ask of the dataset; empty: all that the role may
	Role    Role         `json:"role"`
}

// grantable are the roles that can be given on one dataset. What admins do beyond them
// concerns no single dataset.
var grantable = []Role{Editor, Analyst, Viewer, Producer}

// Check returns fault.Invalid for what cannot be granted.
func (g Granted) Check() error {
	if err := g.Dataset.Check(); err != nil {
		return err
	}
	switch {
	case !slices.Contains(grantable, g.Role):
		return fault.New(fault.Invalid, "bad_role", "role %.40q cannot be granted on one dataset", string(g.Role)).WithHint("one of %v", grantable)
	case g.Saved != "" && g.Role != Viewer:
		return fault.New(fault.Invalid, "bad_role", "of a saved query the role is viewer")
	}
	return nil
}

// allows reports whether the grant lets its holder do something to a dataset.
func (g Granted) allows(action Action, on dataset.Name) bool {
	return g.Saved == "" && permitted(g.Role, g.Dataset, action, on)
}

// granted reports whether any grant lets p do something to a dataset. A credential for
// one dataset reaches no other by a grant.
func (p Principal) granted(action Action, on dataset.Name) bool {
	return (p.Dataset == "" || p.Dataset == on) && slices.ContainsFunc(p.Granted, func(g Granted) bool { return g.allows(action, on) })
}

// AllowSomewhere is Allow for a route that names its dataset in its body, or none: it
// returns nil when there may be a dataset to which p may do the action.
func (p Principal) AllowSomewhere(action Action, now time.Time) error {
	err := p.Allow(action, p.Dataset, now)
	for _, g := range p.Granted {
		if err == nil {
			return nil
		}
		if other := p.Allow(action, g.Dataset, now); other == nil {
			err = nil
		}
	}
	return err
}

// AskSaved returns p as it asks a saved query: where a grant lets it ask that query and
// nothing else of the dataset, as who holds an embed token for it.
func (p Principal) AskSaved(name string, now time.Time) Principal {
	i := slices.IndexFunc(p.Granted, func(g Granted) bool { return g.Saved != "" && g.Saved == name })
	if p.Embed != nil || i < 0 || p.known(now) != nil || !p.inScope(RunQuery) {
		return p
	}
	on := p.Granted[i].Dataset
	if p.Dataset != "" && p.Dataset != on || p.Allow(RunQuery, on, now) == nil {
		return p
	}
	p.Embed = &Embed{Saved: name, Dataset: on, By: Maker{ID: p.ID, Role: p.Role, Groups: p.Groups, Attributes: p.Attributes}}
	return p
}

// Holds reports whether p has a role on a dataset, by its own or by a grant.
func (p Principal) Holds(role Role, on dataset.Name) bool {
	return p.Role == role || slices.ContainsFunc(p.Granted, func(g Granted) bool { return g.Dataset == on && g.Role == role })
}
