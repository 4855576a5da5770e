package trail

import (
	"encoding/binary"

	"github.com/tarnhq/tarn/shared/query"
)

// paths finds what comes after a value, or before. Steps of one instant are ordered by
// their marks, which are ordered by the value and then by the dimensions.
type paths struct {
	plan   query.PathsPlan
	groups groups[visits]
	kinds  []uint32 // by mark: the number of its value
	start  int64    // the number of the value that begins a path; -1: none is asked for, or none has it
	values []query.Value
	number int64 // of the subject

	items []Step
	all   map[string]*route
	key   []byte
}

// route is a path that was seen.
type route struct {
	keys []query.Value
	visits
}

func newPaths(p query.PathsPlan, g groups[visits]) *paths {
	w := &paths{plan: p, groups: g, start: -1, all: map[string]*route{}, kinds: make([]uint32, len(g.marks))}
	for i, m := range g.marks { // ascending
		if n := len(w.values); n == 0 || query.CompareValues(w.values[n-1], m.Values[0]) != 0 {
			w.values = append(w.values, m.Values[0])
			if p.Start != nil && query.CompareValues(*p.Start, m.Values[0]) == 0 {
				w.start = int64(n)
			}
		}
		w.kinds[i] = uint32(len(w.values) - 1) // #nosec G115 -- places of values, fewer than 2^32
	}
	return w
}

func (w *paths) follow(steps []Step) {
	w.number++
	items := steps
	if w.plan.Collapse {
		items = w.collapsed(steps)
	}
	if w.plan.Start == nil {
		edge := 0
		if w.plan.Before {
			edge = len(items) - 1
		}
		w.count(items, edge)
		return
	}
	for i, s := range items {
		if int64(w.kinds[s.Mark]) == w.start {
			w.count(items, i)
		}
	}
}

// collapsed leaves out the steps whose value is that of the step before.
func (w *paths) collapsed(steps []Step) []Step {
	w.items = append(w.items[:0], steps[0])
	for i, s := range steps[1:] {
		if w.kinds[s.Mark] != w.kinds[steps[i].Mark] {
			w.items = append(w.items, s)
		}
	}
	return w.items
}

// count counts the path that begins with an item.
func (w *paths) count(items []Step, at int) {
	g := w.groups.at(items[at].At, w.groups.marks[items[at].Mark].Values[1:])
	w.key = append(w.key[:0], g.key...)
	onward := 1
	if w.plan.Before {
		onward = -1
	}
	for i, n := at, 0; n <= w.plan.Depth && i >= 0 && i < len(items); i, n = i+onward, n+1 {
		w.key = binary.LittleEndian.AppendUint32(w.key, w.kinds[items[i].Mark])
	}
	found, ok := w.all[string(w.key)]
	if !ok {
		found = &route{keys: w.keysOf(g.keys, w.key[len(g.key):])}
		w.all[string(w.key)] = found
	}
	found.seen(w.number)
}

// keysOf lists a path's keys and values, null past the end.
func (w *paths) keysOf(keys []query.Value, kinds []byte) []query.Value {
	row := append([]query.Value{}, keys...)
	for range w.plan.Depth + 1 {
		if len(kinds) == 0 {
			row = append(row, query.Value{})
			continue
		}
		row = append(row, w.values[binary.LittleEndian.Uint32(kinds)])
		kinds = kinds[4:]
	}
	return row
}

func (w *paths) rows() (out [][]query.Value) {
	for _, r := range w.all {
		out = append(out, append(r.keys, query.IntValue(r.times), query.IntValue(r.subjects)))
	}
	return out
}
