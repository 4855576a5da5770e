package trail

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tarnhq/tarn/shared/query"
)

// Builder makes trails of rows that come in any order.
type Builder struct {
	runs []run

	subjects map[string]uint32
	names    []string
	steps    []built

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

const builtBytes = 24

// full is how many rows are gathered before they are packed: 24 bytes each until then,
// some 6 to 10 afterwards.
const full = 4 << 20

// NewBuilder returns a Builder without rows.
func NewBuilder() *Builder {
	b := &Builder{}
	b.reset()
	return b
}

func (b *Builder) reset() {
	b.subjects, b.byFlags, b.byText = map[string]uint32{}, map[uint64]uint32{}, map[string]uint32{}
	b.names, b.marks, b.steps = nil, nil, b.steps[:0]
}

// Add takes a row. It keeps the subject, and a copy of the values.
func (b *Builder) Add(subject string, at int64, flags uint64, values []query.Value) {
	if len(b.steps) == full {
		b.pack()
	}
	who, ok := b.subjects[subject]
	if !ok {
		who = uint32(len(b.names))
		b.subjects[subject] = who
		b.names = append(b.names, subject)
	}
	b.steps = append(b.steps, built{who, Step{at, b.mark(flags, values)}})
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
	return Trails{b.runs}.Size() + int64(len(b.steps))*builtBytes
}

// Trails returns the trails of all rows.
func (b *Builder) Trails() Trails {
	if len(b.steps) > 0 {
		b.pack()
	}
	return Trails{b.runs}
}

// pack makes a run of the rows that have come.
func (b *Builder) pack() {
	marks, renamed := ranked(b.marks, compareMarks)
	names, ranks := ranked(b.names, cmp.Compare[string])
	steps := b.sorted(ranks, renamed, len(names))
	p := packer{run: run{marks: marks}}
	for subject, some := range steps {
		slices.SortFunc(some, compareSteps)
		p.add([]byte(names[subject]), some)
	}
	p.data = slices.Clip(p.data)
	b.runs = append(b.runs, p.run)
	b.reset()
}

// sorted returns the steps of each subject, by rank.
func (b *Builder) sorted(ranks, renamed []uint32, subjects int) [][]Step {
	ends := make([]int, subjects)
	for _, s := range b.steps {
		ends[ranks[s.subject]]++
	}
	all := make([]Step, len(b.steps))
	out := make([][]Step, subjects)
	from := 0
	for i, n := range ends {
		out[i] = all[from : from : from+n]
		from += n
	}
	for _, s := range b.steps {
		rank := ranks[s.subject]
		out[rank] = append(out[rank], Step{s.At, renamed[s.Mark]})
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
