package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Standing is what holds of a person beside what their token says, from the moment it is
// stored and not from their next token on. The zero Standing is that of a person of whom
// nothing is stored.
type Standing struct {
	Attributes map[string][]string `json:"attributes,omitempty"` // for row filters
	Since      time.Time           `json:"since,omitzero"`       // tokens that were issued until then are not accepted any more
	Disabled   bool                `json:"disabled,omitempty"`
}

// accepts reports whether a token that was issued at a time, in whole seconds, is good.
func (s Standing) accepts(issued time.Time) bool {
	return !s.Disabled && (s.Since.IsZero() || issued.After(s.Since))
}

// longestToken is the longest life that any issuer we know gives a token.
const longestToken = 24 * time.Hour

// People keeps the standing of people.
type People struct {
	Table table.Table
	Now   func() time.Time
}

func personKey(t tenant.ID, id string) table.Key {
	return table.Key{Partition: "people#" + string(t), Sort: id}
}

const revision = "revision"

// Standing returns what is stored of a person.
func (p People) Standing(ctx context.Context, t tenant.ID, id string) (Standing, error) {
	s, _, err := p.get(ctx, personKey(t, id))
	return s, err
}

func (p People) get(ctx context.Context, key table.Key) (s Standing, was string, err error) {
	item, err := p.Table.Get(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return Standing{}, "", nil
	}
	if err != nil {
		return Standing{}, "", err
	}
	if err := json.Unmarshal(item.Body, &s); err != nil {
		return Standing{}, "", fmt.Errorf("person %s: %w", key.Sort, err)
	}
	return s, item.Attributes[revision], nil
}

// Change applies f to what is stored of a person, again if somebody else did so meanwhile.
func (p People) Change(ctx context.Context, t tenant.ID, id string, f func(*Standing)) (Standing, error) {
	return p.change(ctx, personKey(t, id), time.Time{}, f)
}

// Remove has no token of a person accepted any more.
func (p People) Remove(ctx context.Context, t tenant.ID, id string) error {
	_, err := p.change(ctx, personKey(t, id), p.Now().Add(longestToken+time.Hour), func(s *Standing) { *s = Standing{Disabled: true} })
	return err
}

func (p People) change(ctx context.Context, key table.Key, expires time.Time, f func(*Standing)) (Standing, error) {
	const tries = 5
	var err error
	for range tries {
		s, was, failed := p.get(ctx, key)
		if failed != nil {
			return s, failed
		}
		f(&s)
		body, failed := json.Marshal(s)
		if failed != nil {
			return s, failed
		}
		unchanged, n := table.Absent, 0
		if was != "" {
			unchanged = table.Equal(revision, was)
			n, _ = strconv.Atoi(was) // ours
		}
		item := table.Item{Key: key, Body: body, Expires: expires, Attributes: map[string]string{revision: strconv.Itoa(n + 1)}}
		if err = p.Table.Commit(ctx, table.Put(item).If(unchanged)); !fault.Is(err, fault.Conflict) {
			return s, err
		}
	}
	return Standing{}, err
}

// Membership is what the groups of a person come to.
type Membership struct {
	Tenant tenant.ID
	Role   Role     // the highest of those that are named; empty: none
	Groups []string // the others, for rules that name groups
}

// MembershipOf reads groups. It returns fault.Denied for those of two tenants.
func MembershipOf(groups []string) (Membership, error) {
	owner, err := tenantOf(groups)
	if err != nil {
		return Membership{}, err
	}
	m := Membership{Tenant: owner}
	if named := RolesOf(groups); len(named) > 0 {
		m.Role = named[0]
	}
	for _, group := range groups {
		if !slices.Contains(roles, Role(group)) && !IsTenantGroup(group) {
			m.Groups = append(m.Groups, group)
		}
	}
	return m, nil
}

// GroupsOf returns the groups that a directory must have a member of a tenant in, who is
// in the groups that are named.
func GroupsOf(t tenant.ID, groups []string) []string {
	if t == DefaultTenant {
		return slices.Clone(groups)
	}
	return append([]string{tenantGroup + string(t)}, groups...)
}

// RolesOf returns the roles among groups, the highest first.
func RolesOf(groups []string) (named []Role) {
	for _, role := range roles {
		if slices.Contains(groups, string(role)) {
			named = append(named, role)
		}
	}
	return named
}

// IsTenantGroup reports whether a group says which tenant its members are of.
func IsTenantGroup(group string) bool { return strings.HasPrefix(group, tenantGroup) }
