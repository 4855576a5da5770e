package tail

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
)

// window is how many days before the arrival day an id is looked for among what
// arrived, whatever its event time.
const window = 7

// history looks ids up in the sealed segments of one dataset. What it found out
// for a pair of days holds until the version changes.
type history struct {
	cache   *segment.Cache
	version manifest.Version
	days    map[[2]segment.Day]*segment.Lookup
}

// stored tells of events that arrived together whether a segment that must be asked
// holds the id: one that holds the day of the event's own time, or one with rows that
// arrived lately. Refused events have no row, but are looked for with the others.
func (h *history) stored(ctx context.Context, st manifest.State, arrived int64, some []*events.Event, ids []segment.ID, met *segment.Met) ([]bool, error) {
	stored := make([]bool, len(some))
	arrival := segment.DayOf(arrived)
	for from := 0; from < len(some); {
		own := segment.DayOf(some[from].Time)
		to := from + 1
		for to < len(some) && segment.DayOf(some[to].Time) == own {
			to++
		}
		if err := h.candidates(st, own, arrival).Stored(ctx, ids[from:to], met.May[from:to], met.Since, stored[from:to]); err != nil {
			return nil, err
		}
		from = to
	}
	return stored, nil
}

func (h *history) candidates(st manifest.State, own, arrival segment.Day) *segment.Lookup {
	if h.version != st.Version || h.days == nil {
		h.version, h.days = st.Version, map[[2]segment.Day]*segment.Lookup{}
	}
	key := [2]segment.Day{own, arrival}
	if lookup, ok := h.days[key]; ok {
		return lookup
	}
	var refs []segment.Ref
	for _, ref := range st.Segments {
		if ref.Kind != segment.Rows {
			continue
		}
		if _, holds := slices.BinarySearch(ref.Days, own); holds || segment.DayOf(ref.MaxReceived) >= arrival-window {
			refs = append(refs, ref)
		}
	}
	h.days[key] = h.cache.Lookup(refs)
	return h.days[key]
}
