package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

const (
	patience   = 3 * time.Second       // of an append; who asked something waits for it
	maxWaiting = 1000                  // events of a tenant, in a process
	maxBatch   = table.MaxWrites/2 - 1 // events of one transaction
	maxBytes   = table.MaxCommit / 2   // of their payloads
	likeEvery  = time.Minute           // between entries of Tally that are alike
	day        = 24 * time.Hour
	maxKnown   = 10_000
)

// waiting is an event that is to be appended with others.
type waiting struct {
	event Event
	size  int
	done  chan error
}

// Append writes an entry that goes with no change of the table. Those that come while one
// is being written are written together. When it fails, the next entry of this process
// says that one is missing.
func (s *Store) Append(ctx context.Context, e Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience) // who leaves early is told of, too
	defer cancel()
	e.Payload.From = networkOf(e.Payload.From)
	c := s.chain(e.Tenant)
	w := &waiting{event: e, size: len(e.Payload.encode()), done: make(chan error, 1)}
	if err := c.join(w); err != nil {
		return err
	}
	for {
		select {
		case err := <-w.done:
			return err
		case c.turn <- struct{}{}:
			s.flush(ctx, e.Tenant, c)
		case <-ctx.Done():
			return ctx.Err() // it stays in line, for the next one to write
		}
	}
}

var errInterrupted = errors.New("an entry was not written")

// flush writes the events that wait, in the order they came, as many as fit, and ends the
// turn.
func (s *Store) flush(ctx context.Context, t tenant.ID, c *chain) {
	defer c.end()
	batch := c.take()
	if len(batch) == 0 {
		return
	}
	events := make([]Event, len(batch))
	for i, w := range batch {
		events[i] = w.event
	}
	err := errInterrupted // unless write returns
	defer func() { c.tell(batch, err) }()
	var tried []Head
	err = s.write(ctx, t, c, events, only(), &tried)
}

// tell says to those who wait what became of their events.
func (c *chain) tell(batch []*waiting, err error) {
	if err != nil {
		c.giveUp(len(batch))
	}
	for _, w := range batch {
		w.done <- err
	}
}

func (c *chain) join(w *waiting) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) >= maxWaiting {
		c.missed++
		return fault.New(fault.Throttled, "audit_full", "%d entries wait to be written", maxWaiting)
	}
	c.waiting = append(c.waiting, w)
	return nil
}

func (c *chain) take() []*waiting {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, size := 0, 0
	for n < len(c.waiting) && n < maxBatch && (n == 0 || size+c.waiting[n].size <= maxBytes) {
		size += c.waiting[n].size
		n++
	}
	batch := c.waiting[:n]
	c.waiting = c.waiting[n:]
	return batch
}

func (c *chain) giveUp(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed += n
}

// Tally appends the first of events that are alike: by one caller, on one route, with one
// outcome. Those of the next minute are counted, and the entry after it has their number.
func (s *Store) Tally(ctx context.Context, e Event) error {
	times := s.recent.count(fmt.Sprint(e.Tenant, "\n", e.By, "\n", e.Route, "\n", e.Outcome), 1, s.now(), likeEvery)
	if times == 0 {
		return nil
	}
	e.Times = times
	return s.Append(ctx, e)
}

// Used tells of the first use of a day, in UTC, of a key or of a person's tokens.
func (s *Store) Used(ctx context.Context, p access.Principal) error {
	now := s.now().UTC()
	if s.recent.count(p.ID, 1, now, now.Truncate(day).Add(day).Sub(now)) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	c := s.chain(p.Tenant)
	if err := c.begin(ctx); err != nil {
		c.giveUp(1)
		return err
	}
	defer c.end()
	e := Event{Tenant: p.Tenant, By: p.ID, Role: p.Role, Action: UseKey, Outcome: Done}
	if strings.HasPrefix(p.ID, access.UserPrefix) {
		e.Action = UseToken
	}
	mark := table.Item{Key: table.Key{Partition: partition(p.Tenant), Sort: "used#" + now.Format(time.DateOnly) + "#" + p.ID}, Expires: now.Add(2 * day)}
	var tried []Head
	err := s.write(ctx, p.Tenant, c, []Event{e}, only(table.Put(mark).If(table.Absent)), &tried)
	if fault.Is(err, fault.Conflict) {
		return nil // another process has told
	}
	if err != nil {
		c.giveUp(1)
	}
	return err
}

// recollection counts what is alike. It forgets everything when it is full.
type recollection struct {
	mu   sync.Mutex
	seen map[string]seen
}

type seen struct {
	until time.Time
	times int // since
}

// count counts a thing so many times more. It returns how often that has been since the
// last time it returned a number, and 0 for so long after that.
func (r *recollection) count(what string, times int, now time.Time, long time.Duration) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.seen[what]
	if now.Before(was.until) {
		was.times += times
		r.seen[what] = was
		return 0
	}
	if r.seen == nil || len(r.seen) >= maxKnown {
		r.seen = map[string]seen{}
	}
	r.seen[what] = seen{until: now.Add(long)}
	return was.times + times
}
