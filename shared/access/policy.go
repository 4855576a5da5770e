package access

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/cedar-policy/cedar-go"

	"github.com/tarnhq/tarn/shared/dataset"
)

//go:embed policies.cedar
var policyText []byte

var policies = sync.OnceValue(func() *cedar.PolicySet {
	set, err := cedar.NewPolicySetFromBytes("policies.cedar", policyText)
	if err != nil {
		panic(fmt.Errorf("policies: %w", err)) // the text is compiled in, and tested
	}
	return set
})

// below says which role each of them is in. (In Cedar's sense: who is in a role is in
// those that the role is in.)
var below = map[Role]Role{Owner: Admin, Admin: Editor, Editor: Analyst, Analyst: Viewer}

// decision is all that the policies look at of a request. There are few, so that the
// policies are asked once of each.
type decision struct {
	role   Role
	action Action
	bound  bool // to a dataset
	here   bool // which is the one that the action concerns
}

var decided sync.Map // of decision to bool

// permitted reports whether a policy permits a principal of a role, bound to a dataset if
// one is named, to do something with another.
func permitted(role Role, bound dataset.Name, action Action, on dataset.Name) bool {
	d := decision{role, action, bound != "", bound == on}
	if known, ok := decided.Load(d); ok {
		return known.(bool)
	}
	yes := d.ask()
	if slices.Contains(roles, role) && slices.Contains(Actions, action) { // others could be without end
		decided.Store(d, yes)
	}
	return yes
}

// ask asks the policies. One that fails permits nothing, and with it none does.
func (d decision) ask() bool {
	const here, elsewhere = "here", "elsewhere"
	bound, name := "", elsewhere
	if d.bound {
		bound = here
	}
	if d.here {
		name = bound
	}
	principal, resource := cedar.NewEntityUID("Principal", "it"), cedar.NewEntityUID("Dataset", "it")
	entities := cedar.EntityMap{
		principal: {UID: principal, Parents: cedar.NewEntityUIDSet(uidOf(d.role)), Attributes: cedar.NewRecord(cedar.RecordMap{"bound": cedar.String(bound)})},
		resource:  {UID: resource, Attributes: cedar.NewRecord(cedar.RecordMap{"name": cedar.String(name)})},
	}
	for _, role := range roles {
		entity := cedar.Entity{UID: uidOf(role)}
		if lower, ok := below[role]; ok {
			entity.Parents = cedar.NewEntityUIDSet(uidOf(lower))
		}
		entities[entity.UID] = entity
	}
	verdict, why := cedar.Authorize(policies(), entities, cedar.Request{
		Principal: principal, Action: cedar.NewEntityUID("Action", cedar.String(d.action)), Resource: resource, Context: cedar.NewRecord(nil),
	})
	return verdict == cedar.Allow && len(why.Errors) == 0
}

func uidOf(r Role) cedar.EntityUID { return cedar.NewEntityUID("Role", cedar.String(r)) }
