package tail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Policy says when a tail is sealed: at the first of its bounds. The zero Policy
// seals whatever there is.
type Policy struct {
	Rows  int
	Bytes int64
	Age   time.Duration // since the first record
}

func (p Policy) due(g *generation, now time.Time) bool {
	if g.empty() {
		return false
	}
	rows, bytes := g.size()
	return p == Policy{} || rows >= p.Rows || bytes >= p.Bytes || now.Sub(g.since) >= p.Age
}

// asked reports whether SealAll was called since the generation's first record.
func (l *Live) asked(g *generation) bool {
	return !g.empty() && g.since.UnixNano() <= l.ask.Load()
}

// Seal asks the workers to seal what all tails hold now, and to note how far they came.
func (l *Live) Seal() { l.ask.Store(l.Now().UnixNano()) }

// SealAll has the workers seal what a dataset's tails hold now, and waits for it.
func (l *Live) SealAll(ctx context.Context, t tenant.ID, name dataset.Name) error {
	now, err := l.Open(ctx, t, name, nil)
	if err != nil {
		return err
	}
	for {
		l.Seal() // each time: what was folded again is younger
		d, err := l.dataset(ctx, owner{t, now.Dataset.ID})
		if err != nil {
			return err
		}
		snap, changed := d.snapshot(now.Dataset)
		if snapshot.Position(snap.State.Through).Covers(now.Position) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return snapshot.NotYet(ctx.Err())
		}
	}
}

// times returns bounds n times as wide.
func (p Policy) times(n int) Policy {
	return Policy{Rows: n * p.Rows, Bytes: int64(n) * p.Bytes, Age: time.Duration(n) * p.Age}
}

// due reports whether a tail of the shard has reached the policy's bounds.
func (l *Live) due(shard stream.ShardID, p Policy) bool {
	for _, d := range l.all() {
		if f := d.of(shard); f != nil && p.due(f.active, l.Now()) {
			return true
		}
	}
	return false
}

// sealedThrough returns the position up to which every dataset has sealed the
// shard, of which all records up to read have been folded.
func (l *Live) sealedThrough(shard stream.ShardID, read stream.Sequence) stream.Sequence {
	at := read
	for _, d := range l.all() {
		f := d.of(shard)
		if f == nil {
			continue
		}
		for _, g := range []*generation{f.sealing, f.active} {
			if g != nil && !g.empty() && at.After(g.first.Previous()) {
				at = g.first.Previous()
			}
		}
	}
	return at
}

// of returns the shard's fold, or nil.
func (d *live) of(shard stream.ShardID) *fold {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.folds[shard]
}

// Seal is a frozen generation on its way into segments. Run may be called from any
// goroutine, and again after it failed; Settle by the shard's worker.
type Seal struct {
	live    *Live
	dataset *live
	fold    *fold
	gen     *generation
	change  manifest.Change // once the segments are stored
	state   manifest.State  // once it is committed
}

// Freeze ends the tails of a shard that the policy says are due and returns their
// seals. A tail that is still being sealed is not frozen again.
func (l *Live) Freeze(shard stream.ShardID, p Policy) []*Seal {
	var seals []*Seal
	for _, d := range l.all() {
		f := d.of(shard)
		if f == nil || f.sealing != nil || !p.due(f.active, l.Now()) && !l.asked(f.active) {
			continue
		}
		f.freeze()
		f.active.schema = manifest.MergeSchema(d.schema(), f.active.schema)
		seals = append(seals, &Seal{live: l, dataset: d, fold: f, gen: f.sealing})
	}
	return seals
}

// First returns the first record of the seal.
func (s *Seal) First() stream.Sequence { return s.gen.first }

// Run stores the segments and commits them. It fails with fault.Conflict when
// another worker has the shard, or when a subject was suppressed that the rows were not
// held against; after any other error it may be called again.
func (s *Seal) Run(ctx context.Context) error {
	if s.change.Commit == "" {
		change, err := s.store(ctx)
		if err != nil {
			return err
		}
		s.change = change
	}
	st, err := s.live.Manifest.Commit(ctx, s.dataset.tenant, s.dataset.owner.dataset, s.dataset.current(), s.change)
	if err != nil {
		return err
	}
	s.state = st
	return nil
}

// Settle makes a seal that ran the committed state.
func (s *Seal) Settle() {
	s.fold.sealed(s.change.Mark.To)
	views := s.fold.views()
	s.dataset.mu.Lock()
	defer s.dataset.mu.Unlock()
	if s.state.Version > s.dataset.state.Version {
		s.dataset.state = s.state
	}
	s.dataset.published[s.fold.shard.ID] = views
	s.dataset.announce()
}

// store writes the generation's segments, rows by day first, and says what to commit.
func (s *Seal) store(ctx context.Context) (manifest.Change, error) {
	g := s.gen
	guard, err := s.live.suppressions().Guard(ctx, s.dataset.tenant, s.dataset.owner.dataset)
	if err == nil {
		err = guard.Admits(g.held)
	}
	if err != nil {
		return manifest.Change{}, err
	}
	refs, err := s.segments(ctx)
	if err != nil {
		return manifest.Change{}, err
	}
	c := manifest.Change{Add: refs, Schema: g.schema, Ledger: ledger.Delta{Lines: g.frozen.unsealed.Lines}, Also: []table.Write{guard.Check()}}
	c.Commit = name(g, c)
	g.seen.Forget(replayable(s.dataset.current()))
	c.Mark = &manifest.MarkMove{Shard: s.fold.shard, From: s.fold.mark, To: s.fold.mark.Advance(g.through, c.Commit, g.seen)}
	return c, nil
}

// replayable tells the producers that would replay what is in quarantine.
func replayable(st manifest.State) func(events.Producer) bool {
	all := map[events.Producer]bool{}
	for _, ref := range st.Of(segment.Quarantine) {
		all[ref.Replayer()] = true
	}
	return func(p events.Producer) bool { return all[p] }
}

// name names the attempt after what it does: two workers that fold the same records
// to the same end make the same change, and it counts once.
func name(g *generation, c manifest.Change) string {
	text, err := json.Marshal([]any{g.first, g.through, c.Add, c.Ledger, c.Schema})
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// SealNow seals everything that a shard's tails hold. What fails is forgotten, the
// whole shard with it, and must be folded again from the sequence returned on.
func (l *Live) SealNow(ctx context.Context, shard stream.ShardID) (retry stream.Sequence, err error) {
	for _, s := range l.Freeze(shard, Policy{}) {
		failed := s.Run(ctx)
		if failed == nil {
			s.Settle()
			continue
		}
		if err == nil || retry.After(s.First()) {
			retry, err = s.First(), failed
		}
	}
	if err != nil {
		l.Forget(shard)
	}
	return retry, err
}
