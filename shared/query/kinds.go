package query

import (
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
)

// The kinds that follow subjects through time. Rows without a subject or without a
// time take no part in them. Rows of one instant have no order but the one that a
// kind gives them by their values.
const (
	Funnel    Kind = "funnel"    // how many subjects go through steps
	Retention Kind = "retention" // how many come back
	Paths     Kind = "paths"     // what comes after something, or before
	Sessions  Kind = "sessions"  // runs of rows without a long pause
	Audience  Kind = "audience"  // the subjects that did something, or did not
)

var kinds = []Kind{Aggregate, Funnel, Retention, Paths, Sessions, Audience}

// Limits of these kinds.
const (
	MaxSteps   = 20 // of a funnel
	MaxPeriods = 400
	MaxPath    = 10 // steps
	MaxDeeds   = 50 // of an audience
)

// DefaultSubject is the column of subjects unless a request names another.
const DefaultSubject = dataset.ColumnUserID

// Step is a step of a funnel.
type Step struct {
	Name   string  `json:"name,omitempty" doc:"default: its number"`
	Filter *Filter `json:"filter,omitempty" doc:"the rows that are this step; default: all"`
}

// Exclusion is what must not happen between two steps of a funnel.
type Exclusion struct {
	Filter Filter `json:"filter"`
	After  int    `json:"after,omitempty" minimum:"1" doc:"only between the step of this number and the next; default: between any two"`
}

// Behaviour is a tree of what a subject must have done: exactly one of And, Or, Not
// and Did is given.
type Behaviour struct {
	And     []Behaviour `json:"and,omitempty"`
	Or      []Behaviour `json:"or,omitempty"`
	Not     *Behaviour  `json:"not,omitempty"`
	Did     *Filter     `json:"did,omitempty" doc:"rows that match; a condition in its place is short for it"`
	AtLeast int         `json:"at_least,omitempty" minimum:"1" doc:"of them; default: 1"`
	AtMost  int         `json:"at_most,omitempty" minimum:"1" doc:"of them; default: any number"`
}

// FunnelPlan counts the subjects that reach each step, by their best attempt. An
// attempt begins at every instant with a row of the first step (Unordered: of any)
// and takes each further step at the first later instant with a row of it, no later
// than Window after its beginning. It ends where an exclusion lies strictly between
// a step and the next; Unordered, between its beginning and a step. The best attempt
// reaches most steps; of several, the earliest. Keys are of its beginning: of several
// values there the least, nulls last.
type FunnelPlan struct {
	Rows
	Keys
	Subject   Field      `json:"subject"`
	Steps     []*Expr    `json:"steps"` // nil: any row
	Exclude   []Excluded `json:"exclude,omitempty"`
	Unordered bool       `json:"unordered,omitempty"` // steps count in any order; at one instant, too
	Window    int64      `json:"window"`              // microseconds
	Limit     int        `json:"limit"`               // groups
}

// Excluded is an exclusion. After is the number of a step, from 1; 0 stands for any.
type Excluded struct {
	Filter Expr `json:"filter"`
	After  int  `json:"after,omitempty"`
}

// Quantiles are those of the times to a step, from the beginning of the attempt.
var Quantiles = []float64{0, 0.25, 0.5, 0.75, 0.95, 1}

// Kind implements Plan.
func (FunnelPlan) Kind() Kind { return Funnel }

// MaxRows implements Plan.
func (p FunnelPlan) MaxRows() int { return p.Limit }

// Columns describes the answer: the keys; for each step how many subjects reach it;
// for each but the first the Quantiles of microseconds to it.
func (p FunnelPlan) Columns() []Column {
	out := p.Keys.Columns()
	for range p.Steps {
		out = append(out, Column{"subjects", Int})
	}
	for range p.Steps[1:] {
		for range Quantiles {
			out = append(out, Column{"micros", Float})
		}
	}
	return out
}

// RetentionPlan counts the subjects that come back. A subject is of the cohort of the
// bucket of its first row that matches Cohort (Recurring: of each bucket with such a
// row). It has come back in a period, that many buckets later, when it has a row
// there that matches Returning; in period 0 one later than its first row of the
// cohort. Dimensions are of that first row: of several values at its instant the
// least, nulls last.
type RetentionPlan struct {
	Rows
	Keys            // with a bucket
	Subject   Field `json:"subject"`
	Cohort    *Expr `json:"cohort,omitempty"`    // nil: any row
	Returning *Expr `json:"returning,omitempty"` // nil: any row
	Recurring bool  `json:"recurring,omitempty"`
	Periods   int   `json:"periods"` // the last one
	Limit     int   `json:"limit"`
}

// CohortSize is the period of the rows that tell how large a cohort is.
const CohortSize = -1

// Kind implements Plan.
func (RetentionPlan) Kind() Kind { return Retention }

// MaxRows implements Plan.
func (p RetentionPlan) MaxRows() int { return p.Limit }

// Columns describes the answer: the keys, the period, and how many subjects.
func (p RetentionPlan) Columns() []Column {
	return append(p.Keys.Columns(), Column{"period", Int}, Column{"subjects", Int})
}

// PathsPlan counts what comes after a value, or before. The rows of a subject are
// ordered by time, then by value, then by the dimensions, nulls last; rows without a
// value are left out. With Collapse a row whose value is that of the row before is
// left out, too. Each row of the Start value begins a path; without one, the first
// row of each subject (Before: the last). Keys are of that row.
type PathsPlan struct {
	Rows
	Keys
	Subject  Field  `json:"subject"`
	Of       Field  `json:"of"`
	Start    *Value `json:"start,omitempty"`
	Before   bool   `json:"before,omitempty"`
	Depth    int    `json:"depth"` // rows after the first
	Collapse bool   `json:"collapse,omitempty"`
	Order    []Sort `json:"order"`
	Limit    int    `json:"limit"`
}

// Kind implements Plan.
func (PathsPlan) Kind() Kind { return Paths }

// MaxRows implements Plan.
func (p PathsPlan) MaxRows() int { return p.Limit }

// Columns describes the answer: the keys, the values from the first on, null past the
// end; how often there is such a path, and of how many subjects.
func (p PathsPlan) Columns() []Column {
	out := p.Keys.Columns()
	for i := range p.Depth + 1 {
		out = append(out, Column{stepColumn(i), TypeOf(p.Of.Type)})
	}
	return append(out, Column{"occurrences", Int}, Column{"subjects", Int})
}

// SessionsPlan measures sessions: the rows of a subject in which none comes more than
// Timeout after the one before. The bucket is of a session's first row; a dimension
// too, unless it is AtExit: then of its last. Of several values at that instant the
// first is the least and the last the greatest, nulls last.
type SessionsPlan struct {
	Rows
	Keys
	Subject Field  `json:"subject"`
	Timeout int64  `json:"timeout"` // microseconds
	Order   []Sort `json:"order"`
	Limit   int    `json:"limit"`
}

// Kind implements Plan.
func (SessionsPlan) Kind() Kind { return Sessions }

// MaxRows implements Plan.
func (p SessionsPlan) MaxRows() int { return p.Limit }

// Columns describes the answer. A bounce is a session of one row. Durations are from
// the first row to the last.
func (p SessionsPlan) Columns() []Column {
	return append(p.Keys.Columns(), Column{"sessions", Int}, Column{"subjects", Int}, Column{"rows", Int}, Column{"bounces", Int},
		Column{"bounce_rate", Float}, Column{"avg_seconds", Float}, Column{"median_seconds", Float})
}

// AudiencePlan finds the subjects that behave in a way. A row without a time can
// count. Dimensions are of the subject's first row: of several values at its instant
// the least, nulls last.
type AudiencePlan struct {
	Rows
	Dimensions []Group `json:"dimensions,omitempty"`
	Subject    Field   `json:"subject"`
	Where      *Deed   `json:"where,omitempty"` // nil: any row
	List       bool    `json:"list,omitempty"`  // the subjects themselves, not their number
	Order      []Sort  `json:"order,omitempty"`
	Limit      int     `json:"limit,omitempty"`
}

// Deed is a bound Behaviour: a NodeAnd, NodeOr or NodeNot of others, or a count of rows.
type Deed struct {
	Node    Node   `json:"node,omitempty"` // empty: a count
	Args    []Deed `json:"args,omitempty"`
	Did     *Expr  `json:"did,omitempty"`
	AtLeast int    `json:"at_least,omitempty"`
	AtMost  int    `json:"at_most,omitempty"` // zero: any number
}

// namesAudience reports whether a condition is of the subjects of an audience.
func (e *Expr) namesAudience() bool {
	return e != nil && (e.Audience != nil || slices.ContainsFunc(e.Args, func(a Expr) bool { return a.namesAudience() }))
}

// Kind implements Plan.
func (AudiencePlan) Kind() Kind { return Audience }

// MaxRows implements Plan.
func (p AudiencePlan) MaxRows() int { return p.Limit }

// Columns describes the answer: the subjects, or the dimensions and how many.
func (p AudiencePlan) Columns() []Column {
	if p.List {
		return []Column{{p.Subject.Name, TypeOf(p.Subject.Type)}}
	}
	return append(Keys{Dimensions: p.Dimensions}.Columns(), Column{"subjects", Int})
}
