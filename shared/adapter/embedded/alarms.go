package embedded

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Alarms is alarm.Alarm in the process: what is set does not outlive it, which a hint need
// not. It must not be copied.
type Alarms struct {
	Now  func() time.Time
	Ring func(alarm.Call) // called on a goroutine of its own

	mu  sync.Mutex
	set map[alarm.Call]timer
}

type timer struct {
	at time.Time
	*time.Timer
}

var _ alarm.Alarm = (*Alarms)(nil)

// Set implements alarm.Alarm.
func (a *Alarms) Set(_ context.Context, t tenant.ID, name string, at time.Time) error {
	c := alarm.Call{Tenant: t, Name: name}
	a.mu.Lock()
	defer a.mu.Unlock()
	if was, ok := a.set[c]; ok {
		was.Stop()
	}
	if a.set == nil {
		a.set = map[alarm.Call]timer{}
	}
	a.set[c] = timer{at, time.AfterFunc(at.Sub(a.Now()), func() { a.ring(c, at) })}
	return nil
}

// ring calls, unless another time was set when the timer had run out already.
func (a *Alarms) ring(c alarm.Call, at time.Time) {
	a.mu.Lock()
	due := a.set[c].at.Equal(at)
	if due {
		delete(a.set, c)
	}
	a.mu.Unlock()
	if due {
		a.Ring(c)
	}
}

// Clear implements alarm.Alarm.
func (a *Alarms) Clear(_ context.Context, t tenant.ID, name string) error {
	c := alarm.Call{Tenant: t, Name: name}
	a.mu.Lock()
	defer a.mu.Unlock()
	if was, ok := a.set[c]; ok {
		was.Stop()
		delete(a.set, c)
	}
	return nil
}

// Pending tells what is set.
func (a *Alarms) Pending(context.Context) (map[alarm.Call]time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	pending := map[alarm.Call]time.Time{}
	for c, t := range a.set {
		pending[c] = t.at
	}
	return pending, nil
}

// Close clears all.
func (a *Alarms) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.set {
		t.Stop()
	}
	clear(a.set)
}
