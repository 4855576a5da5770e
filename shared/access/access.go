// Package access knows who a caller is and what they may do. The default is no: an
// action that no policy permits is denied, an expired or unknown caller gets nothing. The
// policies are Cedar's, in policies.cedar. The package holds the roles, the API keys and
// the verification of tokens; the people themselves live behind port identity.
package access

import (
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Role is what a principal may do in its tenant.
type Role string

// The roles, from the one that may do everything to the one that may only send.
const (
	Owner    Role = "owner"
	Admin    Role = "admin"
	Editor   Role = "editor"
	Analyst  Role = "analyst"
	Viewer   Role = "viewer"
	Producer Role = "producer"
)

// roles is in descending order: of several, the first counts.
var roles = []Role{Owner, Admin, Editor, Analyst, Viewer, Producer}

// Known reports whether there is such a role.
func (r Role) Known() bool { return slices.Contains(roles, r) }

// Actions returns what the role may do, in alphabetical order.
func (r Role) Actions() []Action {
	actions := slices.DeleteFunc(slices.Clone(Actions), func(a Action) bool { return !permitted(r, "", a, "") })
	slices.Sort(actions)
	return actions
}

// Action is what a route does, as a policy names it. The empty Action is open to
// anyone.
type Action string

// The actions of the route table.
const (
	ReadDataset   Action = "dataset:read"   // catalog entries and schemas
	CreateDataset Action = "dataset:create" // also on first use by a producer's key
	UpdateDataset Action = "dataset:update"
	DeleteDataset Action = "dataset:delete"
	WriteEvents   Action = "events:write"
	ReadEvents    Action = "events:read" // fate, quarantine and ledger
	ReplayEvents  Action = "events:replay"
	LoadRows      Action = "rows:load"
	RunQuery      Action = "query:run"
	Connect       Action = "connectors:manage" // and sync them
	RunSQL        Action = "sql:run"
	CreateExport  Action = "export:create"
	ReadJobs      Action = "jobs:read"   // one's own
	ChangeJobs    Action = "jobs:change" // one's own: stop and repeat them
	ManageJobs    Action = "jobs:manage" // see and change everybody's
	ManageKeys    Action = "keys:manage"
	ManageLimits  Action = "limits:manage" // of what a question may cost
	ManageRules   Action = "rules:manage"  // row filters and masks
	ManageUsers   Action = "users:manage"  // invite, change and remove people
	ManageGrants  Action = "grants:manage" // of single datasets and saved queries
	CreateEmbed   Action = "embed:create"  // tokens for one saved query
	ReadAudit     Action = "audit:read"    // and verify
	EraseSubjects Action = "subjects:erase"
	ReadSubjects  Action = "subjects:read" // all that is held of somebody
	ReadSelf      Action = "self:read"     // who am I

	ReadSchedules   Action = "schedules:read"   // one's own
	ChangeSchedules Action = "schedules:change" // one's own: who makes one must also be allowed to do what it does

	ReadModels    Action = "models:read"
	ManageModels  Action = "models:manage"  // change, build and try them: what they read must be seen in whole
	ReleaseModels Action = "models:release" // from the row filters and masks of what they read
)

// Actions lists the actions.
var Actions = []Action{
	ReadDataset, CreateDataset, UpdateDataset, DeleteDataset, WriteEvents, ReadEvents, ReplayEvents, LoadRows, Connect, RunQuery, RunSQL,
	CreateExport, ReadJobs, ChangeJobs, ManageJobs, ManageKeys, ManageLimits, ManageRules,
	ManageUsers, ManageGrants, CreateEmbed, ReadAudit, EraseSubjects, ReadSubjects, ReadSelf,
	ReadSchedules, ChangeSchedules, ReadModels, ManageModels, ReleaseModels,
}

// Principal is an identified caller. The zero Principal may do nothing.
type Principal struct {
	Tenant  tenant.ID
	ID      string       // "user:…" or "key:…"
	Role    Role         //
	Dataset dataset.Name // the only dataset it may touch; empty: any
	Expires time.Time    // zero: never
	Groups  []string     // for rules that name groups

	Attributes map[string][]string // for row filters
	Scopes     []Action            // the only actions it may do of those its role may; empty: all of them
	Embed      *Embed              // of the holder of an embed token: all that it may see
	Granted    []Granted           // on single datasets and saved queries
}

// IsNobody reports whether p is the zero Principal.
func (p Principal) IsNobody() bool { return p.ID == "" && p.Tenant == "" && p.Role == "" }

// Allow returns nil when p may do the action to the dataset (empty where the
// action concerns none), fault.Unauthenticated when p has expired or is nobody,
// and fault.Denied otherwise.
func (p Principal) Allow(action Action, on dataset.Name, now time.Time) error {
	if err := p.known(now); err != nil {
		return err
	}
	if p.Embed != nil {
		return errEmbedded()
	}
	if !p.inScope(action) || !permitted(p.Role, p.Dataset, action, on) && !p.granted(action, on) {
		return fault.New(fault.Denied, "denied", "role %q may not do %q here", p.Role, action).
			WithHint("ask an owner for a role or key that may")
	}
	return nil
}

// CodeNobody is the code of the fault of who sent no credential.
const CodeNobody = "unauthenticated"

// known returns fault.Unauthenticated unless p is somebody, and still is.
func (p Principal) known(now time.Time) error {
	if p.ID == "" || p.Tenant == "" {
		return fault.New(fault.Unauthenticated, CodeNobody, "this needs a caller we know").
			WithHint("send an API key or an access token as 'Authorization: Bearer …'")
	}
	if p.expired(now) {
		return fault.New(fault.Unauthenticated, "expired", "the credential has expired").
			WithHint("sign in again or make a new key")
	}
	return nil
}

func (p Principal) inScope(action Action) bool {
	return len(p.Scopes) == 0 || slices.Contains(p.Scopes, action)
}

// Actions returns what the principal may do.
func (p Principal) Actions() []Action {
	return slices.DeleteFunc(p.Role.Actions(), func(a Action) bool { return !p.inScope(a) })
}

// AllowGrant returns nil when p may hand the role to a key or a person, narrowed to
// scopes if there are any: nobody gives away more than they have.
func (p Principal) AllowGrant(role Role, scopes ...Action) error {
	mine, wanted := slices.Index(roles, p.Role), slices.Index(roles, role)
	given := Principal{Role: role, Scopes: scopes}.Actions()
	wider := slices.ContainsFunc(given, func(a Action) bool { return !p.inScope(a) })
	if mine < 0 || wanted >= 0 && wanted < mine || wider {
		return fault.New(fault.Denied, "denied", "role %q may not grant role %q", p.Role, role).
			WithHint("ask somebody with that role")
	}
	return nil
}

func (p Principal) expired(now time.Time) bool {
	return !p.Expires.IsZero() && !now.Before(p.Expires)
}
