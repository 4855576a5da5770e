package schedule

import (
	"context"
	"strings"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/people"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Makers tells what the makers of schedules may do now: people and keys.
type Makers struct {
	People people.People
	Keys   access.Keys
	Grants func(context.Context, access.Principal) ([]access.Granted, error)
}

// Who is a Scheduler's Who.
func (m Makers) Who(ctx context.Context, t tenant.ID, id string) (access.Principal, error) {
	find := m.Keys.Principal
	if strings.HasPrefix(id, access.UserPrefix) {
		find = m.People.Principal
	}
	p, err := find(ctx, t, id)
	if err == nil {
		p.Granted, err = m.Grants(ctx, p)
	}
	return p, err
}
