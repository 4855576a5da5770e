package federation

import (
	"context"
	"sync"
	"time"
)

// What a provider says of itself is read again after memoryLife; where it does not answer
// then, what it said before holds, and it is asked again after memoryWait.
const (
	memoryLife = time.Hour
	memoryWait = time.Minute
)

// memory remembers what a provider says of itself. It must not be copied.
type memory[T any] struct {
	mu    sync.Mutex
	known *T
	until time.Time
}

// get fetches what is not known or old.
func (m *memory[T]) get(ctx context.Context, now time.Time, fetch func(context.Context) (*T, error)) (*T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known != nil && now.Before(m.until) {
		return m.known, nil
	}
	fresh, err := fetch(ctx)
	switch {
	case err == nil:
		m.known, m.until = fresh, now.Add(memoryLife)
	case m.known == nil:
		return nil, unreachable(err)
	default:
		m.until = now.Add(memoryWait)
	}
	return m.known, nil
}
