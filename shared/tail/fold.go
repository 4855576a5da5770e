package tail

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
)

// fold is the unsealed part of one shard in one dataset. One worker writes it.
type fold struct {
	shard   stream.Shard
	mark    checkpoint.Mark // committed
	seen    checkpoint.Seen // with what is folded and not sealed
	sealing *generation     // frozen, being committed; nil otherwise
	active  *generation
	history history
	newID   func() uint64

	fresh []*events.Event // memory of unseen
	ids   []segment.ID    // memory of hashed
	met   segment.Met
}

// cloned copies a text out of a record's memory, which is let go.
func cloned(s string) string { return strings.Clone(s) }

// through returns the last record folded in.
func (f *fold) through() stream.Sequence {
	for _, g := range []*generation{f.active, f.sealing} {
		if g != nil && !g.empty() {
			return g.through
		}
	}
	return f.mark.Through
}

// apply folds one record, whole or not at all. The lookups that can fail come first.
func (f *fold) apply(ctx context.Context, st manifest.State, d dataset.Dataset, r record, now time.Time) error {
	sequence, env := r.sequence, r.envelope
	if !sequence.After(f.through()) {
		return nil // delivered again
	}
	fresh := f.unseen(env)
	ids := f.hashed(fresh)
	f.history.cache.Meet(d.ID, ids, &f.met)
	stored, err := f.history.stored(ctx, st, env.Arrived, fresh, ids, &f.met)
	if err != nil {
		return err
	}
	g := f.active
	if g.empty() {
		g.first, g.since, g.era, g.held = sequence, now, f.met.Now, r.suppressed.Edition()
	}
	g.through = sequence
	account := ledger.Account{Hour: ledger.HourOf(env.Arrived), Producer: env.Producer}
	if env.Account != 0 {
		account.Producer = env.Account
	}
	var counts ledger.Counts
	for i, e := range fresh {
		counts = counts.Plus(f.event(account, d, e, r, stored[i] || f.unsealed(&ids[i], f.met.May[i])))
	}
	g.note(account, counts)
	f.note(env, now)
	return nil
}

// note remembers the positions of a record.
func (f *fold) note(env *events.Envelope, now time.Time) {
	lane, end := checkpoint.Lane{Producer: env.Producer, Bucket: env.Bucket}, env.First+uint64(len(env.Events))
	if env.Account != 0 {
		f.seen.AddReplay(lane, env.First, end, now.UnixMicro())
	} else {
		f.seen.Add(lane, env.First, end, env.Arrived)
	}
}

// unseen lists the events whose positions have not been folded: all of them, or
// none when the same put reached the stream twice.
func (f *fold) unseen(env *events.Envelope) []*events.Event {
	lane := checkpoint.Lane{Producer: env.Producer, Bucket: env.Bucket}
	all := !f.seen.Any(lane, env.First, env.First+uint64(len(env.Events)))
	f.fresh = f.fresh[:0]
	for i := range env.Events {
		// #nosec G115 -- a place in a list
		if all || !f.seen.Has(lane, env.First+uint64(i)) {
			f.fresh = append(f.fresh, &env.Events[i])
		}
	}
	return f.fresh
}

func (f *fold) hashed(all []*events.Event) []segment.ID {
	f.ids = f.ids[:0]
	for _, e := range all {
		f.ids = append(f.ids, segment.NewID(e.ID))
	}
	return f.ids
}

// unsealed reports whether a row that is not sealed has the id, which may have been met
// before or not.
func (f *fold) unsealed(id *segment.ID, may bool) bool {
	for _, g := range []*generation{f.active, f.sealing} {
		if g != nil && (may || g.era < f.met.Since) && g.has(id) {
			return true
		}
	}
	return false
}

// event gives one delivery its one fate, and returns it counted.
func (f *fold) event(a ledger.Account, d dataset.Dataset, e *events.Event, r record, stored bool) ledger.Counts {
	g, arrived := f.active, r.envelope.Arrived
	if r.suppressed.Drops(d.ID, e) {
		return g.drop(r.suppressed.Event(d.ID, e.ID), e, arrived)
	}
	if e.Refused != (events.Refusal{}) {
		return f.quarantine(a, d, e, e.Refused, r)
	}
	if r.expired(e) || e.Dropped != 0 && !stored {
		return g.drop(r.hasher.Event(d.ID, e.ID), e, arrived)
	}
	if stored {
		return g.duplicate(e, arrived) // also of one that a later version of the enrichment drops
	}
	if refusal := g.store(e, arrived, d.Settings.OnConflict, f.newID); refusal != (events.Refusal{}) {
		return f.quarantine(a, d, e, refusal, r)
	}
	return ledger.Counts{Stored: 1}
}

// quarantine keeps an event that cannot be stored, unless its text mentions a suppressed
// subject anywhere.
func (f *fold) quarantine(a ledger.Account, d dataset.Dataset, e *events.Event, why events.Refusal, r record) ledger.Counts {
	raw, enrichment := e.Raw, uint32(0)
	if raw == nil {
		raw, enrichment = events.AppendJSON(nil, e), r.envelope.Enrichment
	}
	if r.suppressed.Mentioned(d.ID, raw) {
		return f.active.drop(r.suppressed.Event(d.ID, e.ID), e, r.envelope.Arrived)
	}
	return f.active.quarantine(e, why, segment.QuarantineRow{Received: r.envelope.Arrived, Producer: uint64(a.Producer), Raw: raw, Enrichment: enrichment})
}

// freeze ends the active generation, so that it can be sealed while the next one
// grows.
func (f *fold) freeze() {
	f.sealing = f.active
	f.sealing.freeze(f.seen.Clone())
	f.active = newGeneration(f.sealing.schema, f.sealing.through)
	f.active.reserve(f.sealing) // it may well hold as many
}

// sealed drops the generation that was committed.
func (f *fold) sealed(to checkpoint.Mark) { f.mark, f.sealing = to, nil }

// views publishes both generations, the older one first.
func (f *fold) views() []*view {
	var out []*view
	for _, g := range []*generation{f.sealing, f.active} {
		if g != nil {
			out = append(out, g.view())
		}
	}
	return slices.Clip(out)
}
