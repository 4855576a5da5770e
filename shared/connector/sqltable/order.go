package sqltable

import "strings"

// ordered is a column by which rows are read in order. Nulls come first, as they do in
// the systems' own order.
type ordered struct {
	Column
	quoted string
}

// place is where a row is in the order: its values, as text or, of bytes, as they are.
// Nil is a null.
type place [][]byte

func (o ordered) equal(to []byte) string {
	if to == nil {
		return o.quoted + " IS NULL"
	}
	return o.quoted + " = " + o.Literal(string(to))
}

func (o ordered) greater(than []byte) string {
	if than == nil {
		return o.quoted + " IS NOT NULL"
	}
	return o.quoted + " > " + o.Literal(string(than))
}

func (o ordered) less(than []byte) string {
	if than == nil {
		return "1 = 0"
	}
	less := o.quoted + " < " + o.Literal(string(than))
	if o.Nullable {
		return "(" + less + " OR " + o.quoted + " IS NULL)"
	}
	return less
}

// after is the condition that a row is behind a place. The systems compare no rows of
// values by an index, or none at all; so the conditions nest. The first column, a cursor,
// is never null: its bound by itself is what an index is used for.
func after(order []ordered, at place) string {
	return order[0].quoted + " >= " + order[0].Literal(string(at[0])) + " AND " + nested(order, at, ordered.greater, order[len(order)-1].greater(at[len(at)-1]))
}

// upTo is the condition that a row is at a place or before it.
func upTo(order []ordered, at place) string {
	last, end := order[len(order)-1], at[len(at)-1]
	return order[0].quoted + " <= " + order[0].Literal(string(at[0])) + " AND " + nested(order, at, ordered.less, "("+last.less(end)+" OR "+last.equal(end)+")")
}

// nested compares column by column: where all before are equal, the next decides, and at
// last a condition.
func nested(order []ordered, at place, strictly func(ordered, []byte) string, last string) string {
	var b strings.Builder
	n := len(order) - 1
	for i := range n {
		b.WriteString("(" + strictly(order[i], at[i]) + " OR " + order[i].equal(at[i]) + " AND ")
	}
	b.WriteString(last + strings.Repeat(")", n))
	return b.String()
}
