package query

import (
	"slices"

	"github.com/tarnhq/tarn/shared/fault"
)

// aggregation is the program of an aggregate request. Its plans compute the measures
// of rows, Base; what is computed of those has slots after theirs.
type aggregation struct {
	Rows
	Keys
	Base    []Aggregand
	Derived []derived `json:",omitempty"`
	Shown   []shown
	Fill    bool     `json:",omitempty"`
	Top     *ranking `json:",omitempty"`
	Compare *shift   `json:",omitempty"`
	Having  *Expr    `json:",omitempty"` // its fields are columns of the answer
	Totals  Totals   `json:",omitempty"`
	Order   []Sort
	Limit   int

	ofRows int    // len(Base), known before all are bound
	pushed []Sort // Order as the engine's, where the engine can sort and cut
}

// derived is a measure of measures: either an expression or a running total of a slot.
type derived struct {
	Expr    *arith `json:",omitempty"`
	Running *int   `json:",omitempty"`
}

// shown is a measure that the answer has.
type shown struct {
	Name string
	Slot int
}

// Columns of an answer beside keys and measures.
const (
	otherColumn  = "other"   // true of the group that gathers what is not among the top
	levelColumn  = "level"   // how many of the leading key columns the row is of
	beforeSuffix = "_before" // the measure in the earlier time
	changeSuffix = "_change" // from then to now, as a share of then
)

func (a *aggregation) slotType(slot int) Type {
	switch {
	case slot < a.ofRows:
		return a.Base[slot].Type()
	case a.Derived[slot-a.ofRows].Running != nil:
		return a.slotType(*a.Derived[slot-a.ofRows].Running)
	}
	return Float
}

func (a *aggregation) hasOther() bool { return a.Top != nil && a.Top.Other }

// distinct counts the leading columns that together tell any two rows apart.
func (a *aggregation) distinct() int {
	n := len(a.Keys.Columns())
	if a.hasOther() {
		n++
	}
	return n
}

func (a *aggregation) columns() []Column {
	out := a.Keys.Columns()
	if a.hasOther() {
		out = append(out, Column{otherColumn, Bool})
	}
	if a.Totals != "" {
		out = append(out, Column{levelColumn, Int})
	}
	for _, s := range a.Shown {
		t := a.slotType(s.Slot)
		out = append(out, Column{s.Name, t})
		if a.Compare == nil {
			continue
		}
		out = append(out, Column{s.Name + beforeSuffix, t})
		if t == Int || t == Float {
			out = append(out, Column{s.Name + changeSuffix, Float})
		}
	}
	return out
}

// push decides whether the engine can sort and cut: it can where each column of the
// order is one of its own and no row depends on others.
func (a *aggregation) push() {
	if a.Fill || a.Top != nil || a.Having != nil || slices.ContainsFunc(a.Derived, func(d derived) bool { return d.Running != nil }) {
		return
	}
	keys, columns := len(a.Keys.Columns()), a.columns()
	exact := a.exactPlaces()
	order := make([]Sort, len(a.Order))
	for i, o := range a.Order {
		order[i] = o
		if o.Column < keys {
			continue
		}
		at := slices.IndexFunc(a.Shown, func(s shown) bool { return s.Name == columns[o.Column].Name })
		if at < 0 || a.Shown[at].Slot >= a.ofRows || exact[a.Shown[at].Slot] < 0 {
			return
		}
		order[i].Column = keys + exact[a.Shown[at].Slot]
	}
	a.pushed = order
}

// plain reports whether one plan's answer is the program's.
func (a *aggregation) plain() bool {
	return a.pushed != nil && len(a.Derived) == 0 && a.Compare == nil && a.Totals == "" && len(a.Shown) == len(a.Base) &&
		!slices.ContainsFunc(a.Base, Aggregand.approximate)
}

// exact returns the measures that one plan computes, or if there are none the number
// of rows: a plan has a measure.
func (a *aggregation) exact() []Aggregand {
	exact := slices.DeleteFunc(slices.Clone(a.Base), Aggregand.approximate)
	if len(exact) == 0 {
		return []Aggregand{{Name: "rows", Op: Count}}
	}
	return exact
}

// exactPlaces returns which of the exact measures each one is, -1 for an approximate.
func (a *aggregation) exactPlaces() []int {
	places, n := make([]int, len(a.Base)), 0
	for i, m := range a.Base {
		if m.approximate() {
			places[i] = -1
			continue
		}
		places[i] = n
		n++
	}
	return places
}

// plan makes the plan of some rows and keys with all groups, in the order of the keys.
func (a *aggregation) plan(rows Rows, keys Keys) AggregatePlan {
	return AggregatePlan{Rows: rows, Keys: keys, Measures: a.exact(), Order: keys.ordered(), Limit: MaxLimit}
}

func (a *aggregation) detail() AggregatePlan {
	p := a.plan(a.Rows, a.Keys)
	if a.pushed != nil {
		p.Order, p.Limit = a.pushed, a.Limit
	}
	return p
}

func (a *aggregation) run(run Runner) (Result, error) {
	if a.plain() {
		return run(a.detail())
	}
	e := evaluation{aggregation: a, runner: run}
	out, err := e.answer()
	if err != nil {
		return Result{}, err
	}
	return Result{Columns: a.columns(), Rows: out, Version: e.version, Stats: e.stats}, nil
}

func tooManyGroups() error {
	return fault.New(fault.Invalid, "too_many_groups", "there are more than %d groups", MaxLimit).
		WithHint("what is computed of all groups together (top, fill, compare, having, running totals, an order by an expression) needs fewer: leave out dimensions, filter, or use a wider grain")
}
