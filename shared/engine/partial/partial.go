// Package partial makes a question asked again cost what came since. Segments never
// change, so what a plan answered over some of them stays true: for as long as they
// are live it is merged with the answer over the others. docs/partial.md says which
// plans are kept how, and what becomes of what is kept.
package partial

import (
	"context"
	"log/slog"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/trail"
	"github.com/tarnhq/tarn/shared/lru"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Config sizes an Engine.
type Config struct {
	Inner  engine.Engine // answers what is not kept
	Engine string        // names what Inner is made of, and its release: another may hash differently
	Blobs  blob.Store    // where answers outlive the process; nil: they do not
	Memory int64         // bytes of answers that are kept; zero: 192 MiB
	Worth  int64         // sealed rows from which on an answer is kept; zero: 50,000
	Stored int64         // rows scanned from which on it is stored in Blobs; zero: 200,000
	Log    *slog.Logger  // told when Blobs fails, which no question does with it; nil: nobody
}

// Engine is an engine.Engine that keeps answers over segments: merged ones of aggregate
// plans, whole days of others, and the trails of the plans that follow subjects. It is
// safe for concurrent use.
type Engine struct {
	config Config
	groups *shelf[[][]query.Value]
	trails *shelf[trail.Trails]
	days   *lru.Cache[shape, days]
}

// shape names plans that ask the same of rows, whatever the range, the order and the
// limit.
type shape struct {
	dataset dataset.ID
	plan    string
}

// New returns an Engine that has kept nothing yet.
func New(c Config) *Engine {
	if c.Memory == 0 {
		c.Memory = 192 << 20
	}
	if c.Worth == 0 {
		c.Worth = 50_000
	}
	if c.Stored == 0 {
		c.Stored = 200_000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	share := c.Memory / 3
	return &Engine{config: c, groups: newShelf(c, groupsForm, share), trails: newShelf(c, trailsForm, share), days: lru.New[shape, days](share)}
}

// Run implements engine.Engine.
func (e *Engine) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	// A table's rows may have no time, and what replaces one replaces all of it.
	if over.Dataset.Kind != dataset.Events || sealedRows(over, plan.Source().Range) < e.config.Worth {
		return e.config.Inner.Run(ctx, plan, over)
	}
	switch p := plan.(type) {
	case query.AggregatePlan:
		if mergeable, ok := p.Partial(); ok {
			return e.merged(ctx, mergeable, p, over)
		}
		if daily, ok := dailyOf(p); ok {
			return e.daily(ctx, daily, p, over)
		}
		if split, ok := p.Split(); ok {
			result, ok, err := e.apart(ctx, split, p, over)
			if err == nil && !ok {
				return e.inFull(ctx, p, over, result.Stats)
			}
			return result, err
		}
	case query.Follower:
		if trails := p.Trails(); trails.Rowwise() {
			return e.followed(ctx, p, trails, over)
		}
	}
	return e.config.Inner.Run(ctx, plan, over)
}

// sealedRows counts the rows of segments that meet a range.
func sealedRows(over snapshot.Snapshot, r query.Range) (n int64) {
	for _, ref := range over.Segments {
		if meets(ref, r) {
			n += ref.Rows
		}
	}
	return n
}

func meets(ref segment.Ref, r query.Range) bool { return ref.MinTime < r.To && ref.MaxTime >= r.From }

func inside(ref segment.Ref, r query.Range) bool { return r.From <= ref.MinTime && ref.MaxTime < r.To }

// of restricts a snapshot to some of its segments and to a tail.
func of(over snapshot.Snapshot, refs []segment.Ref, tail []snapshot.Part) snapshot.Snapshot {
	over.Segments, over.Tail = refs, tail
	return over
}

// sizeOf is about the memory that rows take, in bytes.
func sizeOf(rows [][]query.Value) (size int64) {
	for _, row := range rows {
		size += query.SizeOf(row)
	}
	return size
}

// tally adds up what runs cost.
type tally struct{ query.Stats }

func (t *tally) add(s query.Stats) {
	t.RowsScanned += s.RowsScanned
	t.Segments += s.Segments
	t.Bytes += s.Bytes
	t.Millis += s.Millis
}
