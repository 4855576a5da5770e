// Package fate answers what became of one event, by its id: a row, a copy of a row,
// quarantined and why, erased, dropped, or still on its way.
package fate

import (
	"context"
	"slices"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tenant"
)

// The fates of an event.
const (
	Stored      = "stored"
	Quarantined = "quarantined"
	Erased      = "erased"  // it was a row; what tells so is a keyed hash of its id
	Dropped     = "dropped" // of a suppressed subject, older than the dataset keeps events, or by a step of its enrichment: it never was a row
	Pending     = "pending" // on the stream, not folded in yet
)

// Fate is what became of an event.
type Fate struct {
	EventID    string    `json:"event_id"`
	Fate       string    `json:"fate" enum:"stored,quarantined,dropped,erased,pending"`
	Duplicates int       `json:"duplicates" doc:"copies that were sent beside the one that counts"`
	Time       time.Time `json:"time,omitzero" doc:"event time of the stored row"`
	Received   time.Time `json:"received_at,omitzero" doc:"when it arrived"`
	Segment    string    `json:"segment,omitempty" doc:"the file that holds the row; absent while it is in the tail"`
	Code       string    `json:"code,omitempty" doc:"why it was quarantined"`
	Reason     string    `json:"reason,omitempty" doc:"why it was quarantined, for people"`
}

// Finder looks events up.
type Finder struct {
	Segments     *segment.Cache
	Stream       stream.Stream
	Suppressions suppression.Store
}

// Find returns the fate of an event, or fault.NotFound when it was never seen. A
// hint of the event's time, zero for none, narrows the search to copies that were
// sent with a time of its UTC day.
func (f Finder) Find(ctx context.Context, t tenant.ID, snap snapshot.Snapshot, id string, hint time.Time) (Fate, error) {
	if id == "" || len(id) > events.MaxID {
		return Fate{}, fault.New(fault.Invalid, "bad_event_id", "an event id has 1 to %d bytes", events.MaxID).
			WithHint("ask with ?id=…")
	}
	s := &search{ctx: ctx, cache: f.Segments, id: segment.NewID(id), text: id, fate: Fate{EventID: id}}
	for _, look := range []func(snapshot.Snapshot, time.Time) error{s.rows, s.duplicates, s.quarantine} {
		if err := look(snap, hint); err != nil {
			return Fate{}, err
		}
	}
	if s.fate.Fate == "" {
		if err := f.mark(ctx, t, snap, s, hint); err != nil {
			return Fate{}, err
		}
	}
	if s.fate.Fate != "" {
		return s.fate, nil
	}
	pending, err := f.pending(ctx, snap, id)
	if err != nil {
		return Fate{}, err
	}
	if pending {
		return Fate{EventID: id, Fate: Pending}, nil
	}
	return Fate{}, notSeen(snap.Dataset.Settings)
}

func notSeen(s dataset.Settings) *fault.Error {
	e := fault.New(fault.NotFound, "event_not_seen", "no event with this id has been seen")
	if s.RetentionDays != nil {
		return e.WithHint("the dataset keeps events for %d days, and of older ones not even their ids; without ?time= all days are searched", *s.RetentionDays)
	}
	return e.WithHint("if it was acknowledged, the ledger shows it as pending; without ?time= all days are searched")
}

// search is one look-up.
type search struct {
	ctx   context.Context
	cache *segment.Cache
	id    segment.ID
	text  string
	fate  Fate
}

func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// meets reports whether a copy of that day is to be found. What else its segment
// holds must not matter, for compaction changes that.
func meets(hint time.Time, day segment.Day) bool {
	return hint.IsZero() || segment.DayOf(hint.UnixMicro()) == day
}

// segments calls found with what each segment of a kind knows of the event.
func (s *search) segments(snap snapshot.Snapshot, kind segment.Kind, hint time.Time, found func(segment.Ref, segment.Found)) error {
	for _, ref := range snap.State.Of(kind) {
		if ref.Table || !slices.ContainsFunc(ref.Days, func(day segment.Day) bool { return meets(hint, day) }) {
			continue
		}
		index, err := s.cache.Index(s.ctx, ref)
		if err != nil {
			return err
		}
		if !index.MayContain(&s.id) {
			continue
		}
		all, err := index.Find(s.ctx, &s.id)
		if err != nil {
			return err
		}
		for _, one := range all {
			if meets(hint, segment.DayOf(one.Time)) {
				found(ref, one)
			}
		}
	}
	return nil
}

func (s *search) rows(snap snapshot.Snapshot, hint time.Time) error {
	store := func(key string, time, received int64) {
		s.fate.Fate, s.fate.Segment, s.fate.Time, s.fate.Received = Stored, key, at(time), at(received)
	}
	for _, part := range snap.Tail {
		b := part.Rows
		for row := range b.Len {
			if t := b.Columns[rows.Time].Ints[row]; string(b.Columns[rows.EventID].Text(row)) == s.text && meets(hint, segment.DayOf(t)) {
				store("", t, b.Columns[rows.Received].Ints[row])
			}
		}
	}
	return s.segments(snap, segment.Rows, hint, func(ref segment.Ref, f segment.Found) { store(ref.Key, f.Time, f.Received) })
}

func (s *search) duplicates(snap snapshot.Snapshot, hint time.Time) error {
	for _, d := range snap.Unsealed.Duplicates {
		if d.EventID == s.text && meets(hint, segment.DayOf(d.Time)) {
			s.fate.Duplicates++
		}
	}
	return s.segments(snap, segment.Duplicates, hint, func(segment.Ref, segment.Found) { s.fate.Duplicates++ })
}

// quarantine tells why an event that was never stored was refused, the last time.
func (s *search) quarantine(snap snapshot.Snapshot, _ time.Time) error {
	if s.fate.Fate != "" {
		return nil
	}
	refuse := func(q segment.QuarantineRow) {
		if q.EventID == s.text {
			s.fate.Fate, s.fate.Code, s.fate.Reason, s.fate.Received = Quarantined, q.Code, q.Reason, at(q.Received)
		}
	}
	for _, ref := range snap.State.Of(segment.Quarantine) {
		index, err := s.cache.Index(s.ctx, ref)
		if err != nil {
			return err
		}
		if !index.MayContain(&s.id) {
			continue
		}
		kept, err := s.cache.ReadQuarantine(s.ctx, ref)
		if err != nil {
			return err
		}
		for _, q := range kept {
			refuse(q)
		}
	}
	for _, q := range snap.Unsealed.Quarantined {
		refuse(q)
	}
	return nil
}

// lookahead bounds the records that are searched for an event on its way.
const lookahead = 2000

// pending reports whether the event is on the stream after what the snapshot has
// folded in, among the next records of the shards that its id can be in.
func (f Finder) pending(ctx context.Context, snap snapshot.Snapshot, id string) (bool, error) {
	hash := ingest.HashOf(snap.Dataset.ID, id)
	shards, err := f.Stream.Shards(ctx)
	if err != nil {
		return false, err
	}
	var decoder events.Decoder
	for _, shard := range shards {
		if hash < shard.From || hash > shard.Through {
			continue
		}
		records, _, err := f.Stream.Read(ctx, shard.ID, snap.Position[shard.ID], lookahead, 0)
		if fault.Is(err, fault.NotFound) {
			continue // trimmed: all of it has been folded in
		}
		if err != nil {
			return false, err
		}
		for _, r := range records {
			if env, err := decoder.Record(r.Data); err == nil && env.Dataset == string(snap.Dataset.ID) &&
				slices.ContainsFunc(env.Events, func(e events.Event) bool { return e.ID == id }) {
				return true, nil
			}
		}
	}
	return false, nil
}
