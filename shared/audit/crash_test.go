package audit_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner = "main"

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func always() bool { return false }

// world is a table to which things happen, and what was applied to it.
type world struct {
	*fake.Table
	random *rand.Rand

	mu      sync.Mutex
	waiting []chan struct{}  // calls that are under way
	applied map[string]int   // how often the change of a request was
	late    []func()         // commits whose answer was lost, and that are applied later
	calm    bool             // nothing happens any more
	kills   map[*client]bool // who is dead
}

// client is a process's way to the table.
type client struct {
	*world
}

// step waits for its turn: of all calls under way, one goes on at a time.
func (w *world) step() {
	turn := make(chan struct{})
	w.mu.Lock()
	w.waiting = append(w.waiting, turn)
	w.mu.Unlock()
	<-turn
}

func (c *client) dead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kills[c]
}

var errAway = fault.New(fault.Unavailable, "away", "away")

func (c *client) read() error {
	c.step()
	if c.dead() {
		runtime.Goexit() // nothing comes back
	}
	if !c.calm && c.random.IntN(10) == 0 {
		return errAway
	}
	return nil
}

func (c *client) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := c.read(); err != nil {
		return table.Item{}, err
	}
	return c.Table.Get(ctx, key)
}

func (c *client) Commit(ctx context.Context, writes ...table.Write) error {
	c.step()
	if c.dead() {
		runtime.Goexit()
	}
	if c.calm {
		return c.apply(ctx, writes)
	}
	switch c.random.IntN(12) {
	case 0: // refused
		return errAway
	case 1: // the answer is lost
		_ = c.apply(ctx, writes)
		return errAway
	case 2: // still under way when the caller gives up
		c.mu.Lock()
		c.late = append(c.late, func() { _ = c.apply(ctx, writes) })
		c.mu.Unlock()
		return errAway
	case 3: // killed before or after
		if c.random.IntN(2) == 0 {
			_ = c.apply(ctx, writes)
		}
		c.mu.Lock()
		c.kills[c] = true
		c.mu.Unlock()
		runtime.Goexit()
	}
	return c.apply(ctx, writes)
}

// apply commits, and counts what was applied apart from what the audit log says.
func (w *world) apply(ctx context.Context, writes []table.Write) error {
	if err := w.Table.Commit(ctx, writes...); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, write := range writes {
		if write.Item.Key.Partition == "data" {
			w.applied[write.Item.Attributes["by"]]++
		}
	}
	return nil
}

// outcome is what somebody was told.
type outcome struct {
	name   string
	change bool
	err    error
}

// TestEveryChangeHasOneEntryAndEveryEntryItsChange lets processes change items and append,
// one call at a time in every order, while answers are lost, commits come late and
// processes die. The reference is what the table says was applied.
func TestEveryChangeHasOneEntryAndEveryEntryItsChange(t *testing.T) {
	seeds := uint64(1500)
	if testing.Short() {
		seeds = 200
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Fatal("seed", seed)
				}
			}()
			interleave(t, seed)
		})
	}
}

func interleave(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	w := &world{Table: &fake.Table{Now: time.Now}, random: random, applied: map[string]int{}, kills: map[*client]bool{}}
	told := make(chan outcome, 100)
	var all []outcome
	for process := range 2 + random.IntN(2) {
		c := &client{w}
		s := audit.New(c, time.Now, quiet)
		for request := range 1 + random.IntN(4) {
			name, kind := fmt.Sprint("p", process, "r", request), random.IntN(5)
			go func() {
				if kind == 0 {
					told <- outcome{name, false, s.Append(context.Background(), event(name))}
					return
				}
				told <- outcome{name, true, change(s, name, kind)}
			}()
		}
	}
	for idle := false; !idle; {
		synctest.Wait()
		idle = !w.goOn()
	}
	w.calm = true
	for len(told) > 0 {
		all = append(all, <-told)
	}
	w.check(t, all)
}

func event(name string) audit.Event {
	return audit.Event{Tenant: owner, By: name, Role: access.Owner, Action: access.UpdateDataset, Outcome: audit.Done}
}

// change writes items as a handler does, and some try again after a failure.
func change(s *audit.Store, name string, kind int) error {
	ctx := audit.With(context.Background(), func() audit.Event { return event(name) })
	item := table.Item{Key: table.Key{Partition: "data", Sort: fmt.Sprint(kind)}, Attributes: map[string]string{"by": name}}
	write := table.Put(item)
	if kind == 1 {
		write = write.If(table.Absent)
	}
	err := s.Table().Commit(ctx, write)
	for range kind - 2 {
		if fault.Is(err, fault.Unavailable) {
			err = s.Table().Commit(ctx, write)
		}
	}
	return err
}

// goOn lets one call go on, or applies what is late. It is false when nothing is left.
func (w *world) goOn() bool {
	w.mu.Lock()
	n := len(w.waiting) + len(w.late)
	if n == 0 {
		w.mu.Unlock()
		return false
	}
	i := w.random.IntN(n)
	if i < len(w.waiting) {
		turn := w.waiting[i]
		w.waiting = append(w.waiting[:i:i], w.waiting[i+1:]...)
		w.mu.Unlock()
		close(turn)
		return true
	}
	i -= len(w.waiting)
	apply := w.late[i]
	w.late = append(w.late[:i:i], w.late[i+1:]...)
	w.mu.Unlock()
	apply()
	return true
}

func (w *world) check(t *testing.T, all []outcome) {
	s := audit.New(w.Table, time.Now, quiet)
	report, err := s.Verify(context.Background(), owner, audit.Head{}, always)
	if err != nil || !report.Whole || !report.Ended {
		t.Errorf("%+v %v %v", report, report.Broken, err)
	}
	entries := map[string]int{}
	err = s.Each(context.Background(), owner, 1, report.Through.Number+1, func(r audit.Record) (bool, error) {
		entries[r.By]++
		if names := strings.Contains(string(r.Sent), "put data "); names != (w.applied[r.By] > 0) {
			t.Errorf("the entry of %s says %s", r.By, r.Sent)
		}
		return true, nil
	})
	if err != nil {
		t.Error(err)
	}
	for name, n := range w.applied {
		if entries[name] != 1 {
			t.Errorf("%s was applied %d times and has %d entries", name, n, entries[name])
		}
	}
	for _, o := range all {
		written := entries[o.name] > 0
		switch {
		case o.change && written != (w.applied[o.name] > 0):
			t.Errorf("%s: an entry is %v, the change %v", o.name, written, w.applied[o.name])
		case o.err == nil && !written:
			t.Errorf("%s was told that it is written", o.name)
		case fault.Is(o.err, fault.Conflict) && written:
			t.Errorf("%s was told of a conflict, and is written", o.name)
		case entries[o.name] > 1:
			t.Errorf("%s has %d entries", o.name, entries[o.name])
		}
	}
}
