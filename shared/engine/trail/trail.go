// Package trail answers the plans that follow subjects through time: funnels,
// retention, paths and sessions. A trail is a subject's rows in the order of time, each
// reduced to a Mark: what the plan needs to know of the row. Trails are kept packed,
// by subject, so that those of several sets of rows are walked side by side; package
// partial keeps those of rows that do not change.
package trail

import (
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/shared/query"
)

// Mark is what is known of a row besides its subject and its time.
type Mark struct {
	Flags  uint64        // bit i: the row matches flag i of the plan
	Values []query.Value // of the plan's fields
}

// compareMarks orders by the values, nulls last, then by the flags.
func compareMarks(a, b Mark) int {
	for i := range a.Values {
		if c := query.CompareValues(a.Values[i], b.Values[i]); c != 0 {
			return c
		}
	}
	switch {
	case a.Flags < b.Flags:
		return -1
	case a.Flags > b.Flags:
		return 1
	}
	return 0
}

// Step is a row of a trail.
type Step struct {
	At   int64 // UTC microseconds
	Mark uint32
}

func compareSteps(a, b Step) int {
	switch {
	case a.At != b.At:
		if a.At < b.At {
			return -1
		}
		return 1
	}
	return int(a.Mark) - int(b.Mark)
}

// run is the trails of a set of rows, packed: the subjects by the hashes of their names,
// then by the names, of each the name's length, the name, and its steps ascending: their
// number and, of each, the time since the one before and the mark. Hashes lie evenly, so
// that a subject is found where its hash says.
type run struct {
	marks []Mark // ascending, each once
	data  []byte
	steps int64
	index *index
}

// rank is the place of a subject among others.
func rank(subject []byte) uint64 { return xxhash.Sum64(subject) }

// Trails are the trails of disjoint sets of rows. A subject can be in each of them. They
// do not change.
type Trails struct {
	once bool // equal steps of a subject are one
	runs []run
}

// Size implements query.Trails.
func (t Trails) Size() (size int64) {
	for _, r := range t.runs {
		size += int64(len(r.data)) + 64
		for _, m := range r.marks {
			size += query.SizeOf(m.Values) + 32
		}
	}
	return size
}

// And returns the trails of both sets of rows.
func (t Trails) And(o Trails) Trails { return Trails{t.once || o.once, slices.Concat(t.runs, o.runs)} }

// maxRuns is how many runs Join leaves side by side: each costs a comparison a subject
// when they are walked, and to merge them costs as much as to walk them several times.
const maxRuns = 8

// Join returns the trails of two sets of rows, as what will be walked again and again.
func Join(a, b Trails) Trails {
	t := a.And(b)
	if len(t.runs) > maxRuns {
		return t.merged()
	}
	return t
}

// merged returns the same trails as one set's.
func (t Trails) merged() Trails {
	marks, renamed := commonMarks(t.runs)
	p := newPacker(marks, t.once)
	walk(t.runs, renamed, func(subject []byte, steps []Step) bool {
		p.add(subject, steps)
		return true
	})
	p.data = slices.Clip(p.data)
	return Trails{t.once, []run{p.run}}
}

// packer writes a run, subject by subject.
type packer struct {
	run
	once bool
}

func newPacker(marks []Mark, once bool) packer {
	return packer{run{marks: marks, index: &index{}}, once}
}

func (p *packer) add(subject []byte, steps []Step) {
	if p.once {
		steps = slices.Compact(steps)
	}
	p.data = binary.AppendUvarint(p.data, uint64(len(subject)))
	p.data = append(p.data, subject...)
	p.data = binary.AppendUvarint(p.data, uint64(len(steps)))
	before := int64(0)
	for i, s := range steps {
		if i == 0 {
			p.data = binary.AppendVarint(p.data, s.At)
		} else {
			p.data = binary.AppendUvarint(p.data, uint64(s.At-before)) // #nosec G115 -- steps are in the order of their times
		}
		p.data = binary.AppendUvarint(p.data, uint64(s.Mark))
		before = s.At
	}
	p.steps += int64(len(steps))
}

// commonMarks merges the marks of runs, and tells what each run's are called then.
func commonMarks(runs []run) (all []Mark, renamed [][]uint32) {
	for _, r := range runs {
		all = append(all, r.marks...)
	}
	slices.SortFunc(all, compareMarks)
	all = slices.CompactFunc(all, func(a, b Mark) bool { return compareMarks(a, b) == 0 })
	renamed = make([][]uint32, len(runs))
	for i, r := range runs {
		renamed[i] = make([]uint32, len(r.marks))
		at := 0
		for j, m := range r.marks {
			for compareMarks(all[at], m) != 0 {
				at++
			}
			renamed[i][j] = uint32(at) // #nosec G115 -- places of marks, fewer than 2^32
		}
	}
	return all, renamed
}
