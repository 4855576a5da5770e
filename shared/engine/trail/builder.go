// #nosec G115 -- places in lists of marks, which are fewer than 2^32: each takes bytes of a memory that is bounded

package trail

import (
	"encoding/binary"
	"slices"

	"github.com/tarnhq/tarn/shared/query"
)

// Builder makes trails of rows that come in any order.
type Builder struct {
	once bool
	runs []run

	names *names
	steps [][]built // blocks
	count int

	byFlags map[uint64]uint32 // marks without values
	byText  map[string]uint32 // marks with values
	marks   []Mark
	text    []byte
}

// built is a row as it came.
type built struct {
	subject uint32
	Step
}

// builtBytes is what a row takes until it is packed.
const builtBytes = 24

const (
	full  = 4 << 20 // rows that are gathered before they are packed: some 6 to 10 bytes each from then on
	block = 1 << 16 // of them
)

// NewBuilder returns a Builder without rows. Once: equal steps of a subject are one.
func NewBuilder(once bool) *Builder {
	b := &Builder{once: once}
	b.reset()
	return b
}

func (b *Builder) reset() {
	b.names, b.byFlags, b.byText = newNames(), map[uint64]uint32{}, map[string]uint32{}
	b.marks, b.steps, b.count = nil, nil, 0
}

// Add takes a row. It keeps the subject, and a copy of the values.
func (b *Builder) Add(subject string, at int64, flags uint64, values []query.Value) {
	if b.count == full {
		b.pack()
	}
	if b.count%block == 0 {
		b.steps = append(b.steps, make([]built, 0, block))
	}
	last := &b.steps[len(b.steps)-1]
	*last = append(*last, built{b.names.number(subject), Step{at, b.mark(flags, values)}})
	b.count++
}

func (b *Builder) mark(flags uint64, values []query.Value) uint32 {
	if len(values) == 0 {
		mark, ok := b.byFlags[flags]
		if !ok {
			mark = b.newMark(flags, nil)
			b.byFlags[flags] = mark
		}
		return mark
	}
	b.text = binary.AppendUvarint(b.text[:0], flags)
	for _, v := range values {
		b.text = v.AppendBinary(b.text)
	}
	mark, ok := b.byText[string(b.text)]
	if !ok {
		mark = b.newMark(flags, slices.Clone(values))
		b.byText[string(b.text)] = mark
	}
	return mark
}

func (b *Builder) newMark(flags uint64, values []query.Value) uint32 {
	b.marks = append(b.marks, Mark{flags, values})
	return uint32(len(b.marks) - 1)
}

// Size is how many bytes the trails take so far, about.
func (b *Builder) Size() int64 {
	return Trails{b.once, b.runs}.Size() + int64(b.count)*builtBytes
}

// Trails returns the trails of all rows.
func (b *Builder) Trails() Trails {
	if b.count > 0 {
		b.pack()
	}
	return Trails{b.once, b.runs}
}

// pack makes a run of the rows that have come.
func (b *Builder) pack() {
	marks, renamed := ranked(b.marks, compareMarks)
	names, places := b.names.ranked()
	steps := b.sorted(places, renamed, len(names))
	p := newPacker(marks, b.once)
	for subject, some := range steps {
		slices.SortFunc(some, compareSteps)
		p.add(names[subject], some)
	}
	p.data = slices.Clip(p.data)
	b.runs = append(b.runs, p.run)
	b.reset()
}

// sorted returns the steps of each subject, by its place.
func (b *Builder) sorted(places, renamed []uint32, subjects int) [][]Step {
	ends := make([]int, subjects)
	for _, some := range b.steps {
		for _, s := range some {
			ends[places[s.subject]]++
		}
	}
	all := make([]Step, b.count)
	out := make([][]Step, subjects)
	from := 0
	for i, n := range ends {
		out[i] = all[from : from : from+n]
		from += n
	}
	for _, some := range b.steps {
		for _, s := range some {
			place := places[s.subject]
			out[place] = append(out[place], Step{s.At, renamed[s.Mark]})
		}
	}
	return out
}

// ranked sorts things and tells the place of each.
func ranked[T any](all []T, compare func(a, b T) int) (sorted []T, places []uint32) {
	order := make([]uint32, len(all))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compare(all[a], all[b]) })
	sorted, places = make([]T, len(all)), make([]uint32, len(all))
	for place, i := range order {
		sorted[place], places[i] = all[i], uint32(place)
	}
	return sorted, places
}
