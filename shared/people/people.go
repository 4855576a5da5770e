// Package people manages the people of a tenant: in the directory, where they sign in,
// and in the table, where their standing is kept. A person of another tenant is to its
// callers one that is not there. Nobody changes who has a higher role than their own.
package people

import (
	"context"
	"strings"
	"unicode"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/tenant"
)

// People manages the people of all tenants.
type People struct {
	Directory identity.Directory
	Standings access.People
}

// Person is a user of a tenant.
type Person struct {
	ID         string              `json:"id"`
	Email      string              `json:"email"`
	Role       access.Role         `json:"role,omitempty" doc:"the highest of those that the groups name; absent: none"`
	Groups     []string            `json:"groups" doc:"those named as roles are roles"`
	Attributes map[string][]string `json:"attributes,omitempty"`
	Disabled   bool                `json:"disabled"`
}

// Invitation is whom to invite.
type Invitation struct {
	Email      string              `json:"email" format:"email" maxLength:"254"`
	Groups     []string            `json:"groups,omitempty" maxItems:"20" doc:"owner, admin, editor, analyst, viewer and producer are roles; others are for rules that name groups" example:"[\"viewer\"]"`
	Attributes map[string][]string `json:"attributes,omitempty" doc:"that row filters name: {\"country\": [\"CH\"]}"`
}

// Change says what to change of a person; what is absent stays.
type Change struct {
	Groups     *[]string            `json:"groups,omitempty" maxItems:"20" doc:"all of them"`
	Attributes *map[string][]string `json:"attributes,omitempty" doc:"all of them"`
	Disabled   *bool                `json:"disabled,omitempty" doc:"a disabled person can neither sign in nor use a token"`
}

// Invite adds a person, and returns the one-time password that they sign in with first.
func (s People) Invite(ctx context.Context, caller access.Principal, in Invitation) (Person, string, error) {
	if err := check(caller, in.Groups, in.Attributes); err != nil {
		return Person{}, "", err
	}
	user, password, err := s.Directory.Invite(ctx, in.Email, access.GroupsOf(caller.Tenant, in.Groups))
	if err != nil {
		return Person{}, "", err
	}
	standing := access.Standing{}
	if len(in.Attributes) > 0 {
		standing, err = s.Standings.Change(ctx, caller.Tenant, user.ID, func(s *access.Standing) { s.Attributes = in.Attributes })
	}
	if err != nil {
		_ = s.Directory.Delete(context.WithoutCancel(ctx), user.ID) // the first error says more
		return Person{}, "", err
	}
	person, err := personOf(user, standing)
	return person, password, err
}

// List returns those of a page of the directory who are the tenant's: perhaps none, while
// next continues.
func (s People) List(ctx context.Context, t tenant.ID, next string, limit int) (people []Person, more string, err error) {
	users, more, err := s.Directory.List(ctx, next, limit)
	if err != nil {
		return nil, "", err
	}
	people = []Person{}
	for _, user := range users {
		if m, err := access.MembershipOf(user.Groups); err != nil || m.Tenant != t {
			continue
		}
		standing, err := s.Standings.Standing(ctx, t, user.ID)
		if err != nil {
			return nil, "", err
		}
		person, err := personOf(user, standing)
		if err != nil {
			return nil, "", err
		}
		people = append(people, person)
	}
	return people, more, nil
}

// Change changes a person. It holds within seconds: the tokens that are out do not say
// the new groups, and are refused until they are refreshed.
func (s People) Change(ctx context.Context, caller access.Principal, id string, in Change) (Person, error) {
	user, err := s.mayChange(ctx, caller, id)
	if err != nil {
		return Person{}, err
	}
	if (in.Groups != nil || in.Disabled != nil) && isSelf(caller, id) {
		return Person{}, errSelf()
	}
	standing, err := s.Standings.Standing(ctx, caller.Tenant, id)
	if err != nil {
		return Person{}, err
	}
	m, err := access.MembershipOf(user.Groups)
	if err != nil {
		return Person{}, err
	}
	if err := check(caller, either(in.Groups, m.Groups), either(in.Attributes, standing.Attributes)); err != nil {
		return Person{}, err
	}
	if in.Groups != nil {
		user.Groups = access.GroupsOf(caller.Tenant, *in.Groups)
		if err := s.Directory.SetGroups(ctx, id, user.Groups); err != nil {
			return Person{}, absent(err)
		}
	}
	if in.Disabled != nil {
		user.Disabled = *in.Disabled
		if err := s.disable(ctx, id, *in.Disabled); err != nil {
			return Person{}, absent(err)
		}
	}
	standing, err = s.Standings.Change(ctx, caller.Tenant, id, func(now *access.Standing) {
		now.Attributes = either(in.Attributes, now.Attributes)
		now.Disabled = either(in.Disabled, now.Disabled)
		if in.Groups != nil || in.Disabled != nil {
			now.Since = s.Standings.Now().UTC()
		}
	})
	if err != nil {
		return Person{}, err
	}
	return personOf(user, standing)
}

// Principal returns what a person of a tenant may do now, by the principal's id, for what is
// done in their name later. Of one who is disabled or not there it is fault.Unauthenticated.
func (s People) Principal(ctx context.Context, t tenant.ID, id string) (access.Principal, error) {
	id = strings.TrimPrefix(id, access.UserPrefix)
	user, err := s.Directory.Get(ctx, id)
	if err != nil {
		return access.Principal{}, gone(absent(err))
	}
	m, err := access.MembershipOf(user.Groups)
	if err != nil || m.Tenant != t {
		return access.Principal{}, gone(errNoUser())
	}
	standing, err := s.Standings.Standing(ctx, t, id)
	if err != nil {
		return access.Principal{}, err
	}
	if user.Disabled || standing.Disabled {
		return access.Principal{}, gone(errNoUser())
	}
	return access.Principal{Tenant: t, ID: access.UserPrefix + id, Role: m.Role, Groups: m.Groups, Attributes: standing.Attributes}, nil
}

// gone tells of a person in whose name nothing is done any more.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Unauthenticated, "person_gone", "this person is not here any more, or is disabled")
	}
	return err
}

func (s People) disable(ctx context.Context, id string, disabled bool) error {
	if !disabled {
		return s.Directory.Enable(ctx, id)
	}
	if err := s.Directory.Disable(ctx, id); err != nil {
		return err
	}
	return s.Directory.SignOut(ctx, id)
}

// SignOut ends every session of a person, and within seconds every token.
func (s People) SignOut(ctx context.Context, caller access.Principal, id string) error {
	if _, err := s.mayChange(ctx, caller, id); err != nil {
		return err
	}
	if err := s.Directory.SignOut(ctx, id); err != nil {
		return absent(err)
	}
	_, err := s.Standings.Change(ctx, caller.Tenant, id, func(now *access.Standing) { now.Since = s.Standings.Now().UTC() })
	return err
}

// Reset takes a person back to their invitation, as if they had lost all that they sign in
// with, and returns their one-time password. Nobody resets themselves: who took over a
// session would have the account for good.
func (s People) Reset(ctx context.Context, caller access.Principal, id string) (password string, err error) {
	if _, err := s.mayChange(ctx, caller, id); err != nil {
		return "", err
	}
	if isSelf(caller, id) {
		return "", errSelf()
	}
	if password, err = s.Directory.Reset(ctx, id); err != nil {
		return "", absent(err)
	}
	_, err = s.Standings.Change(ctx, caller.Tenant, id, func(now *access.Standing) { now.Since = s.Standings.Now().UTC() })
	return password, err
}

// Remove deletes a person, whose tokens are refused within seconds.
func (s People) Remove(ctx context.Context, caller access.Principal, id string) error {
	if _, err := s.mayChange(ctx, caller, id); err != nil {
		return err
	}
	if isSelf(caller, id) {
		return errSelf()
	}
	if err := s.Standings.Remove(ctx, caller.Tenant, id); err != nil {
		return err
	}
	return s.Directory.Delete(ctx, id)
}

// mayChange returns a user of the caller's tenant whom the caller may change.
func (s People) mayChange(ctx context.Context, caller access.Principal, id string) (identity.User, error) {
	user, err := s.Directory.Get(ctx, id)
	if err != nil {
		return identity.User{}, absent(err)
	}
	m, err := access.MembershipOf(user.Groups)
	if err != nil || m.Tenant != caller.Tenant {
		return identity.User{}, errNoUser()
	}
	if m.Role == "" {
		return user, nil
	}
	return user, caller.AllowGrant(m.Role)
}

func personOf(user identity.User, standing access.Standing) (Person, error) {
	m, err := access.MembershipOf(user.Groups)
	groups := append([]string{}, m.Groups...)
	for _, role := range access.RolesOf(user.Groups) {
		groups = append(groups, string(role))
	}
	return Person{ID: user.ID, Email: user.Email, Role: m.Role, Groups: groups, Attributes: standing.Attributes,
		Disabled: user.Disabled || standing.Disabled}, err
}

// maxGroup is how long a group's name may be, in bytes.
const maxGroup = 100

// check returns an error unless the caller may put people into groups, with attributes.
func check(caller access.Principal, groups []string, attributes map[string][]string) error {
	for _, group := range groups {
		strange := strings.ContainsFunc(group, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) })
		if group == "" || len(group) > maxGroup || strange || access.IsTenantGroup(group) {
			return fault.New(fault.Invalid, "bad_group", "%.40q is no name of a group", group).
				WithHint("1 to %d bytes without spaces, which do not begin as the group of a tenant does", maxGroup)
		}
	}
	for _, role := range access.RolesOf(groups) {
		if err := caller.AllowGrant(role); err != nil {
			return err
		}
	}
	return access.CheckSeen(groups, attributes)
}

func either[T any](changed *T, was T) T {
	if changed != nil {
		return *changed
	}
	return was
}

func isSelf(caller access.Principal, id string) bool { return caller.ID == access.UserPrefix+id }

func errSelf() error {
	return fault.New(fault.Invalid, "yourself", "nobody removes, resets, disables or regroups themselves").WithHint("ask another owner or admin")
}

// absent tells of a user that the directory does not have as of one of another tenant.
func absent(err error) error {
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return errNoUser()
	}
	return err
}

func errNoUser() error { return fault.New(fault.NotFound, "user_not_found", "there is no such user") }
