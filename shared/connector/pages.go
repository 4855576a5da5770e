package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/load"
)

// whole loads a table in the stead of what was there, in one commit.
func (x *run) whole(ctx context.Context, d dataset.Dataset, t Table) error {
	n, err := x.note(ctx, d, t)
	if err != nil {
		return err
	}
	parts := func(yield func(load.Part, error) bool) {
		for b, err := range x.source.Read(ctx, Read{Table: t, Rows: x.rows()}) {
			x.count(t, Count{Bytes: b.Rows.Size()})
			if !yield(b.part(), err) {
				return
			}
		}
	}
	_, err = x.load(ctx, d, t, n, n.after(func(*note) {}), load.Plan{Mode: load.Replace, Parts: parts})
	return err
}

// pages loads what is new in a table, a batch a commit. Of two runs at a time that do the
// same batch, one does, and the other goes on behind it.
func (x *run) pages(ctx context.Context, d dataset.Dataset, t Table) error {
	for {
		n, err := x.note(ctx, d, t)
		if err != nil || n.Copied {
			return err
		}
		overtaken, err := x.batches(ctx, d, t, n)
		if err != nil || !overtaken {
			return err
		}
	}
}

// batches loads batch after batch, and reports whether another run has done one of them.
func (x *run) batches(ctx context.Context, d dataset.Dataset, t Table, n note) (overtaken bool, err error) {
	for b, err := range x.source.Read(ctx, Read{Table: t, From: n.At, Rows: x.rows()}) {
		if err != nil {
			return false, err
		}
		if b.Rows.Len == 0 && len(b.Bad) == 0 && bytes.Equal(b.Next, n.At) {
			continue // nothing is new
		}
		next := n.after(func(n *note) { n.At = b.Next })
		x.count(t, Count{Bytes: b.Rows.Size()})
		loaded, err := x.load(ctx, d, t, n, next, n.plan(t, b))
		if err != nil {
			return false, err
		}
		if loaded.Before {
			return true, nil
		}
		n = next
		if err := x.save(ctx); err != nil {
			return false, err
		}
	}
	return false, nil
}

// plan is the load of a batch that is read at a note. The first of a table goes in the
// stead of what was there.
func (n note) plan(t Table, b Batch) load.Plan {
	p := load.Plan{Mode: load.Upsert, Key: t.Key, Parts: once(b.part())}
	if n.Seq == 0 || n.At == nil {
		p.Mode = load.Replace
	} else if len(t.Key) == 0 || t.Effective() == Changes { // a copy meets no row twice
		p.Mode = load.Append
	}
	if p.Mode != load.Upsert {
		p.Key = nil
	}
	return p
}

func once(p load.Part) iter.Seq2[load.Part, error] {
	return func(yield func(load.Part, error) bool) { yield(p, nil) }
}

// load does a load that begins at one note and ends at another.
func (x *run) load(ctx context.Context, d dataset.Dataset, t Table, from, to note, p load.Plan) (load.Loaded, error) {
	p.ID, p.Place = x.connector.loadID(t, from), x.connector.place(t)
	p.Note = func() (json.RawMessage, error) { return to.text(), nil }
	loaded, err := x.Loader.Load(ctx, x.job.Tenant, d, p)
	if err == nil && !loaded.Before {
		x.count(t, Count{Rows: loaded.Rows, Replaced: loaded.Replaced, Bad: loaded.Quarantined})
	}
	return loaded, err
}
