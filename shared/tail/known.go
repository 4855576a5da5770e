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
	days    map[[2]segment.Day][]*segment.Index
}

// has reports whether a segment that must be asked holds the event's id: one that
// holds the day of the event's own time, or one with rows that arrived lately.
func (h *history) has(ctx context.Context, st manifest.State, e *events.Event, arrived int64) (bool, error) {
	candidates, err := h.candidates(ctx, st, segment.DayOf(e.Time), segment.DayOf(arrived))
	if err != nil {
		return false, err
	}
	if len(candidates) == 0 {
		return false, nil
	}
	id := segment.NewID(e.ID)
	for _, index := range candidates {
		if !index.MayContain(&id) {
			continue
		}
		if found, err := index.Contains(ctx, &id); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

func (h *history) candidates(ctx context.Context, st manifest.State, own, arrival segment.Day) ([]*segment.Index, error) {
	if h.version != st.Version || h.days == nil {
		h.version, h.days = st.Version, map[[2]segment.Day][]*segment.Index{}
	}
	key := [2]segment.Day{own, arrival}
	if list, ok := h.days[key]; ok {
		return list, nil
	}
	list := []*segment.Index{}
	for _, ref := range st.Segments {
		if ref.Kind != segment.Rows {
			continue
		}
		if _, holds := slices.BinarySearch(ref.Days, own); !holds && segment.DayOf(ref.MaxReceived) < arrival-window {
			continue
		}
		index, err := h.cache.Index(ctx, ref)
		if err != nil {
			return nil, err
		}
		list = append(list, index)
	}
	h.days[key] = list
	return list, nil
}
