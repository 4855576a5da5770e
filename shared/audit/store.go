package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// races is how often entries are written anew behind those of others, who are other
// processes: within one, entries of a tenant wait for each other.
const races = 16

// Store keeps the chains of tenants in a table. It must not be copied.
type Store struct {
	inner table.Table
	now   func() time.Time
	log   *slog.Logger // told of entries that could not be written

	mu     sync.Mutex
	chains map[tenant.ID]*chain
	recent recollection

	attempts recollection // by nobody, too: apart, lest a flood of them have the other forget
	sources  sources
}

// New keeps chains in a table.
func New(inner table.Table, now func() time.Time, log *slog.Logger) *Store {
	return &Store{inner: inner, now: now, log: log, chains: map[tenant.ID]*chain{}}
}

// chain is what a process knows of a tenant's chain.
type chain struct {
	turn  chan struct{} // holds one while somebody writes
	known *Head         // where it ended when this process wrote last; nil: not known

	mu      sync.Mutex
	waiting []*waiting
	missed  int // entries that were given up since one was written
}

func (s *Store) chain(t tenant.ID) *chain {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chains[t]
	if c == nil {
		c = &chain{turn: make(chan struct{}, 1)}
		s.chains[t] = c
	}
	return c
}

// begin waits for the turn to write; the caller ends it.
func (c *chain) begin(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *chain) end() { <-c.turn }

// ending returns where a chain ends, as far as this process knows.
func (s *Store) ending(ctx context.Context, t tenant.ID, c *chain) (Head, error) {
	if c.known != nil {
		return *c.known, nil
	}
	return s.head(ctx, t)
}

// changes are what is written with an entry, by its number.
type changes func(number uint64) []table.Write

func only(writes ...table.Write) changes { return func(uint64) []table.Write { return writes } }

// write appends entries of events in one transaction with writes. It returns
// fault.Conflict when a condition of the writes does not hold; that another process was
// faster at the chain's end is none of the caller's concern. An answer that was lost is
// looked for: fault.Unavailable is returned only where nobody can tell. The attempts that
// are not decided are in tried, and a caller who tries again brings them along: if one of
// them turns out to be applied, writes are not, and the result is errBefore. It is for
// who has the chain's turn.
func (s *Store) write(ctx context.Context, t tenant.ID, c *chain, events []Event, writes changes, tried *[]Head) error {
	var behind Head
	var failure error
	for range races {
		head, err := s.ending(ctx, t, c)
		switch {
		case fault.Is(failure, fault.Unavailable) && (err != nil || head.Hash == behind.Hash):
			return failure
		case err != nil:
			return err
		case failure != nil && head.Hash == behind.Hash:
			return failure // nobody was faster: a condition of the writes
		}
		if outcome, err := s.decide(ctx, t, head, tried, failure != nil); outcome || err != nil {
			return err
		}
		c.known = nil
		missed := c.givenUp()
		next := head.link(t, s.now(), missed, events...)
		*tried = append(*tried, next.next)
		failure = s.inner.Commit(ctx, append(next.writes, writes(head.Number+1)...)...)
		switch {
		case failure == nil:
			*tried = nil
			c.wrote(next.next, missed)
			return nil
		case !fault.Is(failure, fault.Conflict) && !fault.Is(failure, fault.Unavailable):
			*tried = (*tried)[:len(*tried)-1] // certainly not applied
			return failure
		}
		behind = head
	}
	return fault.New(fault.Unavailable, "audit_busy", "the audit log changes all the time").WithHint("try again in a moment")
}

// errBefore is of an attempt to write again what was written before.
var errBefore = errors.New("an earlier attempt is applied")

// decide looks what became of attempts that the head has passed: an entry of one of them
// is there, or can never be. The last one is the caller's own if so said.
func (s *Store) decide(ctx context.Context, t tenant.ID, head Head, tried *[]Head, own bool) (applied bool, err error) {
	for i, attempt := range *tried {
		if attempt.Number > head.Number {
			return false, nil // none of them is passed: they all follow the same head
		}
		item, err := s.inner.Get(ctx, entryKey(t, attempt.Number))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return false, err
		}
		if err != nil || hashOf(item.Body) != attempt.Hash {
			continue
		}
		last := i == len(*tried)-1
		*tried = nil
		if own && last {
			return true, nil
		}
		return true, errBefore
	}
	*tried = nil
	return false, nil
}

func (c *chain) givenUp() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.missed
}

// wrote remembers what an entry that is written has told.
func (c *chain) wrote(head Head, missed int) {
	c.known = &head
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed -= missed
}
