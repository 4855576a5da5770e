// Package alarm is the port for being woken at a time. An alarm is a hint: it may come
// late, twice or never, and whoever is woken looks at the table for what is due. Package
// alarmtest holds the suite that every implementation passes.
package alarm

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/tenant"
)

// Alarm wakes somebody, by the name of what is due. The name is of at most 63 lower-case
// letters, digits, - and _.
type Alarm interface {
	// Set has a name called at a time, and forgets the time that was set before. A time
	// that has passed is as soon as can be.
	Set(ctx context.Context, t tenant.ID, name string, at time.Time) error

	// Clear forgets a name; one that is not set is fine.
	Clear(ctx context.Context, t tenant.ID, name string) error
}

// Call is what an alarm says when it wakes somebody.
type Call struct {
	Tenant tenant.ID `json:"tenant"`
	Name   string    `json:"name"`
}
