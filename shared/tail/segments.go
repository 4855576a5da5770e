package tail

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

// A day gets a segment of its own for so many rows, if it is among the days with most:
// with what else a seal makes, there are no more than manifest.MaxSegments.
const (
	loneRows = 1000
	loneDays = 60

	quarantineDays = 20 // segments of quarantine
)

// segments writes what a generation holds.
func (s *Seal) segments(ctx context.Context) (refs []segment.Ref, err error) {
	g := s.gen
	origin := segment.Origin{Tenant: s.dataset.tenant, Dataset: s.dataset.owner.dataset, Shard: s.fold.shard.ID, From: g.first, Through: g.through}
	add := func(ref segment.Ref, failed error) {
		refs, err = append(refs, ref), errors.Join(err, failed)
	}
	if g.frozen.rows > 0 {
		batch, err := s.merged()
		if err != nil {
			return nil, err
		}
		for _, selection := range segment.Split(batch, loneRows, loneDays) {
			ref, err := segment.Write(ctx, s.live.Blobs, origin, batch, selection)
			if err == nil {
				s.live.Segments.Learn(ref, g.era)
			}
			add(ref, err)
		}
	}
	if len(g.duplicates) > 0 {
		add(segment.WriteDuplicates(ctx, s.live.Blobs, origin, g.duplicates))
	}
	for _, some := range byArrival(g.quarantined) {
		add(segment.WriteQuarantine(ctx, s.live.Blobs, origin, some))
	}
	if len(g.dropped) > 0 {
		add(segment.WriteShort(ctx, s.live.Blobs, origin, segment.Dropped, g.dropped))
	}
	return refs, err
}

// byArrival parts quarantined events by the UTC day they arrived on, for they go as a
// segment once that is too long ago. Nearly always there is one. Where a replay brought
// back those of more days than one seal has segments for, the oldest stay together, and
// so for longer.
func byArrival(all []segment.QuarantineRow) (parts [][]segment.QuarantineRow) {
	days := map[segment.Day][]segment.QuarantineRow{}
	for _, q := range all {
		day := segment.DayOf(q.Received)
		days[day] = append(days[day], q)
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		parts = append(parts, days[day])
	}
	if older := len(parts) - quarantineDays; older > 0 {
		parts = append([][]segment.QuarantineRow{slices.Concat(parts[:older+1]...)}, parts[older+1:]...)
	}
	return parts
}

// merged brings the parts of the generation under its last schema.
func (s *Seal) merged() (rows.Batch, error) {
	parts := s.gen.frozen.parts
	if len(parts) == 1 {
		return parts[0].Rows, nil
	}
	batches := make([]rows.Batch, len(parts))
	for i, p := range parts {
		batches[i] = p.Rows
	}
	return rows.Merge(batches, s.gen.schema)
}
