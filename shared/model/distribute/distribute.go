// Package distribute tells whether a SELECT distributes over the parts of what it reads:
// whether its rows for all parts together are the rows that it has for each part alone.
// If it does, the parts that changed can be asked alone, a filter on the part may stand
// before it or behind it, and nobody sees a difference.
//
// A part is what has one value of a key, or one period of a time. The tree is DuckDB's, as
// package sqlgate checked it. What cannot be shown is refused, with the reason: the rules
// are those under which selections move through relational operators (a selection on the
// grouping columns commutes with grouping, one on the join columns with a join, and so on;
// see any text on query optimization), applied from the tables up.
package distribute

import (
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/model"
)

// Source is a table that a statement reads.
type Source struct {
	Columns []string
	Key     string // the column that tells the part of a row; empty: the table is not parted, and is read whole with each part
}

// Column is a column of the result.
type Column struct {
	Name string // empty: the statement gives it none
	Key  bool   // its value tells the part of the row
}

// Of returns the columns of a statement that distributes over the parts of its sources,
// by name. With a grain, the keys are times, and parts are periods of that length in UTC.
// What does not distribute, or cannot be shown to, is fault.Invalid: not_distributive.
func Of(tree map[string]any, sources map[string]Source, grain model.Grain) ([]Column, error) {
	a := analysis{sources: map[string]Source{}, grain: grain, ctes: map[string]relation{}}
	for name, s := range sources {
		a.sources[strings.ToLower(name)] = s
	}
	r, err := a.query(tree["node"])
	if err != nil {
		return nil, err
	}
	if !r.keyed {
		return nil, refuse("the statement reads nothing that is parted")
	}
	out := make([]Column, len(r.columns))
	for i, c := range r.columns {
		out[i] = Column{c.name, a.tells(c.level)}
	}
	return out, nil
}

func refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "not_distributive", format, args...)
}

// analysis goes through one statement.
type analysis struct {
	sources map[string]Source
	grain   model.Grain
	ctes    map[string]relation
}

type node = map[string]any

// relation is what rows come from.
type relation struct {
	columns []column
	keyed   bool // it depends on what is parted, and distributes
	unnamed bool // it has columns that nobody can name
}

// column is a column of a relation, which may be known by the name of its table.
type column struct {
	table, name string // in lower case
	level       level
	own         level // of the column as its table's; USING makes one of two
	hidden      bool  // behind another that USING made of it
}

// level is how closely a value tells the part of its row.
type level uint8

const (
	nothing level = iota
	exact         // the value of the key, or a time as it is
	toHour        // a time, cut
	toDay
	toWeek
	toMonth
)

var cuts = map[string]level{
	"microsecond": exact, "microseconds": exact, "millisecond": exact, "milliseconds": exact, "second": exact, "seconds": exact, "minute": exact, "minutes": exact,
	"hour": toHour, "hours": toHour, "day": toDay, "days": toDay, "week": toWeek, "weeks": toWeek, "month": toMonth, "months": toMonth,
}

// tells reports whether values of a level tell the part.
func (a *analysis) tells(l level) bool {
	switch a.grain {
	case "":
		return l == exact
	case model.Hour:
		return l == exact || l == toHour
	case model.Day:
		return l >= exact && l <= toDay
	case model.Week:
		return l >= exact && l <= toWeek
	default: // a week may lie in two months
		return l >= exact && l <= toMonth && l != toWeek
	}
}

// coarser is the level of a column that holds values of both.
func (a *analysis) coarser(l, m level) level {
	if !a.tells(l) || !a.tells(m) {
		return nothing
	}
	return max(l, m)
}

func text(v any) string  { s, _ := v.(string); return s }
func lower(v any) string { return strings.ToLower(text(v)) }
func list(v any) []any   { l, _ := v.([]any); return l }
func isNode(v any) (node, bool) {
	n, ok := v.(node)
	return n, ok && n != nil
}
