package connector

import (
	"context"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
)

// round is how many changes are asked for at a time.
const round = 200_000

// following is a sync of tables by their changes.
type following struct {
	*run
	feed     Feed
	tables   []Table
	datasets map[string]dataset.Dataset
}

// follow brings tables up to date by what has changed. What is confirmed, and so forgotten
// by the source, was committed before.
func (x *run) follow(ctx context.Context, tables []Table) error {
	feed, ok := x.source.(Feed)
	if !ok {
		return fault.New(fault.Invalid, "no_changes", "a source of kind %s has no log of changes", x.connector.Kind).WithHint("use mode incremental or full")
	}
	f := &following{run: x, feed: feed, tables: tables, datasets: map[string]dataset.Dataset{}}
	for _, step := range []func(context.Context) error{f.subscribe, f.copy, f.drain} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return x.done(ctx, tables...)
}

// subscribe has changes kept. Once anything was copied, what has changed since must be
// there: a subscription that is made then would not have it.
func (f *following) subscribe(ctx context.Context) error {
	begun := false
	for _, t := range f.tables {
		d, err := f.dataset(ctx, t)
		if err != nil {
			return err
		}
		n, err := f.note(ctx, d, t)
		if err != nil {
			return err
		}
		f.datasets[t.Table], begun = d, begun || n.Seq > 0
	}
	if err := f.feed.Unsubscribe(ctx, f.connector.Prefix(), f.connector.Subscription()); err != nil { // of epochs before
		return err
	}
	return f.feed.Subscribe(ctx, f.connector.Subscription(), f.tables, begun)
}

// copy reads those tables whole that were not. Their rows may be older or newer than their
// neighbours: what has changed meanwhile is applied after it.
func (f *following) copy(ctx context.Context) error {
	for _, t := range f.tables {
		if err := f.copyOne(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (f *following) copyOne(ctx context.Context, t Table) error {
	d := f.datasets[t.Table]
	n, err := f.note(ctx, d, t)
	if err != nil || n.Copied {
		return err
	}
	if err := f.pages(ctx, d, t); err != nil {
		return err
	}
	if n, err = f.note(ctx, d, t); err != nil {
		return err
	}
	nothing := load.Plan{Mode: load.Append, Parts: once(load.Part{})}
	if n.Seq == 0 {
		nothing.Mode = load.Replace // the table is empty
	}
	_, err = f.load(ctx, d, t, n, n.after(func(n *note) { n.Copied = true }), nothing)
	return err
}

// drain applies what has changed up to now, a round at a time.
func (f *following) drain(ctx context.Context) error {
	until, err := f.feed.End(ctx)
	if err != nil {
		return err
	}
	name := f.connector.Subscription()
	for {
		c, err := f.feed.Changes(ctx, name, f.tables, until, round)
		if err != nil {
			return err
		}
		if err := f.apply(ctx, c); err != nil {
			return err
		}
		if err := f.feed.Confirm(ctx, name, c.Through); err != nil {
			return err
		}
		if !c.More {
			return nil
		}
		if err := f.save(ctx); err != nil {
			return err
		}
	}
}

// apply loads the rows that have changed, unless they were.
func (f *following) apply(ctx context.Context, c Changed) error {
	for _, t := range f.tables {
		keys, ok := c.Tables[t.Table]
		if !ok {
			continue
		}
		d := f.datasets[t.Table]
		n, err := f.note(ctx, d, t)
		if err != nil {
			return err
		}
		if n.Mark >= c.Through {
			continue
		}
		if keys.All {
			err = f.again(ctx, d, t, n, c.Through)
		} else {
			err = f.upsert(ctx, d, t, n, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// upsert loads the rows of a round.
func (f *following) upsert(ctx context.Context, d dataset.Dataset, t Table, n note, c Changed) error {
	plan := load.Plan{Mode: load.Upsert, Key: t.Key, Parts: f.feed.Fetch(ctx, t, c)}
	loaded, err := f.load(ctx, d, t, n, n.after(func(n *note) { n.Mark = c.Through }), plan)
	if err == nil && loaded.Before {
		return overtaken(t)
	}
	return err
}

// again copies a table anew: all of its rows may have changed.
func (f *following) again(ctx context.Context, d dataset.Dataset, t Table, n note, through Mark) error {
	f.at.Logf("table %s was emptied, or has changed too much: it is copied anew", t.Table)
	empty := load.Plan{Mode: load.Replace, Parts: once(load.Part{})}
	loaded, err := f.load(ctx, d, t, n, n.after(func(n *note) { *n = note{Seq: n.Seq, Mark: through} }), empty)
	if err == nil && loaded.Before {
		return overtaken(t)
	}
	if err != nil {
		return err
	}
	return f.copyOne(ctx, t)
}

// overtaken ends a run beside which another goes: what that one has loaded of a round may
// be less than all of it, so the round begins again.
func overtaken(t Table) error {
	return fault.New(fault.Conflict, "sync_overtaken", "another sync of table %.80q goes on", t.Table)
}
