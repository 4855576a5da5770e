package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tarnhq/tarn/shared/table"
)

type pendingKey struct{}

// pending is an entry that the first change made in a context is to carry.
type pending struct {
	event func() Event

	mu    sync.Mutex
	done  bool
	tried []Head // attempts of which nobody knows whether they are applied
}

// With returns a context in which the first Commit of an audited table that is applied
// carries an entry of the event, which is asked for then. What is committed after that
// belongs to the same change and is written as it is.
func With(ctx context.Context, event func() Event) context.Context {
	return context.WithValue(ctx, pendingKey{}, &pending{event: event})
}

// audited is a table whose changes are told of.
type audited struct {
	table.Table
	store *Store
}

// Table returns the table of s for stores of what people change. A Commit in a context
// made by With has room for four writes less.
func (s *Store) Table() table.Table { return audited{s.inner, s} }

// Commit implements table.Table.
func (a audited) Commit(ctx context.Context, writes ...table.Write) error {
	p, ok := ctx.Value(pendingKey{}).(*pending)
	if !ok {
		return a.Table.Commit(ctx, writes...)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.done {
		err := a.store.commit(ctx, p, writes)
		p.done = err == nil || errors.Is(err, errBefore)
		if !errors.Is(err, errBefore) {
			return err
		}
	}
	return a.Table.Commit(ctx, writes...)
}

func (s *Store) commit(ctx context.Context, p *pending, writes []table.Write) error {
	e := p.event()
	if e.Tenant == "" || e.By == "" {
		return fmt.Errorf("%s by nobody", e.Action)
	}
	e.Payload = e.Payload.with(writes)
	c := s.chain(e.Tenant)
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.end()
	return s.write(ctx, e.Tenant, c, []Event{e}, only(writes...), &p.tried)
}
