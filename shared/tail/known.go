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
	ids     []segment.ID // memory of stored
}

// stored tells of those events of a record that some lists whether a segment that
// must be asked holds the id: one that holds the day of the event's own time, or one
// with rows that arrived lately. Refused events have no row and are not looked for.
func (h *history) stored(ctx context.Context, st manifest.State, env *events.Envelope, some []int) ([]bool, error) {
	stored := make([]bool, len(env.Events))
	arrival := segment.DayOf(env.Arrived)
	for len(some) > 0 {
		own := segment.DayOf(env.Events[some[0]].Time)
		n := 1
		for n < len(some) && segment.DayOf(env.Events[some[n]].Time) == own {
			n++
		}
		candidates, err := h.candidates(ctx, st, own, arrival)
		if err == nil && len(candidates) > 0 {
			err = h.ask(ctx, candidates, env.Events, some[:n], stored)
		}
		if err != nil {
			return nil, err
		}
		some = some[n:]
	}
	return stored, nil
}

// ask asks one segment after the other for all ids: a filter asked for many in a row
// stays near the processor.
func (h *history) ask(ctx context.Context, candidates []*segment.Index, all []events.Event, some []int, stored []bool) error {
	h.ids = h.ids[:0]
	for _, i := range some {
		h.ids = append(h.ids, segment.NewID(all[i].ID))
	}
	for _, index := range candidates {
		for k, i := range some {
			if stored[i] || all[i].Refused != (events.Refusal{}) || !index.MayContain(&h.ids[k]) {
				continue
			}
			found, err := index.Contains(ctx, &h.ids[k])
			if err != nil {
				return err
			}
			stored[i] = found
		}
	}
	return nil
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
