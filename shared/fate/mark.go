package fate

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// mark looks for the mark of an event that is no more, under the keyed hash of its id.
func (f Finder) mark(ctx context.Context, t tenant.ID, snap snapshot.Snapshot, s *search, hint time.Time) error {
	if len(snap.Unsealed.Dropped)+len(snap.State.Of(segment.Erased))+len(snap.State.Of(segment.Dropped)) == 0 {
		return nil
	}
	salt, err := f.Suppressions.Salt(ctx, t)
	if err != nil {
		return err
	}
	hash := salt.Hasher().Event(snap.Dataset.ID, s.text)
	marks := &search{ctx: ctx, cache: s.cache, id: segment.NewID(hash), text: hash}
	for _, d := range snap.Unsealed.Dropped {
		if d.EventID == hash && meets(hint, segment.DayOf(d.Time)) {
			s.fate.Fate = Dropped
		}
	}
	for _, of := range []struct {
		kind segment.Kind
		fate string
	}{{segment.Dropped, Dropped}, {segment.Erased, Erased}} { // an event that was a row was erased
		if err := marks.segments(snap, of.kind, hint, func(segment.Ref, segment.Found) { s.fate.Fate = of.fate }); err != nil {
			return err
		}
	}
	return nil
}
