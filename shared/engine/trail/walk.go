// #nosec G115 -- what sound() has read once: counts that the bytes hold, and times that do not overflow

package trail

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// cursor reads a run, subject by subject.
type cursor struct {
	rest    []byte
	subject []byte // the next one's name
	rank    uint64
	more    bool
	renamed []uint32
}

func (c *cursor) uvarint() uint64 {
	if b := c.rest[0]; b < 0x80 { // most numbers are small
		c.rest = c.rest[1:]
		return uint64(b)
	}
	v, n := binary.Uvarint(c.rest)
	c.rest = c.rest[n:]
	return v
}

// next reads the name of the next subject.
func (c *cursor) next() {
	if c.more = len(c.rest) > 0; !c.more {
		return
	}
	size := c.uvarint()
	c.subject, c.rest = c.rest[:size], c.rest[size:]
	c.rank = rank(c.subject)
}

// steps appends the subject's steps.
func (c *cursor) steps(out []Step) []Step {
	n := int(c.uvarint())
	at, size := binary.Varint(c.rest)
	c.rest = c.rest[size:]
	out = append(out, Step{at, c.renamed[c.uvarint()]})
	for range n - 1 {
		at += int64(c.uvarint())
		out = append(out, Step{at, c.renamed[c.uvarint()]})
	}
	return out
}

// pass reads over the subject's steps.
func (c *cursor) pass() {
	n := int(c.uvarint())
	_, size := binary.Varint(c.rest)
	c.rest = c.rest[size:]
	c.uvarint()
	for range 2 * (n - 1) {
		c.uvarint()
	}
}

// walk hands on each subject of some runs with all its steps, ascending, until it is
// told to stop. What is handed on holds until the next subject.
func walk(runs []run, renamed [][]uint32, each func(subject []byte, steps []Step) bool) {
	cursors := make([]*cursor, len(runs))
	for i, r := range runs {
		cursors[i] = &cursor{rest: r.data, renamed: renamed[i]}
		cursors[i].next()
	}
	var steps []Step
	var m merger
	for {
		least := first(cursors)
		if least == nil {
			return
		}
		subject, at := least.subject, least.rank
		steps = steps[:0]
		for _, c := range cursors {
			if c.more && c.rank == at && bytes.Equal(c.subject, subject) {
				n := len(steps)
				steps = c.steps(steps)
				m.merge(steps, n)
				c.next()
			}
		}
		if !each(subject, steps) {
			return
		}
	}
}

// merger merges steps in place.
type merger struct{ left []Step }

// merge orders steps of which the first n ascend, and the others do. Sets of rows mostly
// follow each other in time, so that few are out of place.
func (m *merger) merge(steps []Step, n int) {
	if n == 0 || compareSteps(steps[n-1], steps[n]) <= 0 {
		return
	}
	from, _ := slices.BinarySearchFunc(steps[:n], steps[n], compareSteps)
	m.left = append(m.left[:0], steps[from:n]...)
	left, right := m.left, steps[n:]
	for out := from; len(left) > 0; out++ {
		if len(right) > 0 && compareSteps(right[0], left[0]) < 0 {
			steps[out], right = right[0], right[1:]
		} else {
			steps[out], left = left[0], left[1:]
		}
	}
}

// first returns the cursor with the least subject; nil at the end.
func first(all []*cursor) (least *cursor) {
	for _, c := range all {
		if c.more && (least == nil || c.rank < least.rank || c.rank == least.rank && bytes.Compare(c.subject, least.subject) < 0) {
			least = c
		}
	}
	return least
}
