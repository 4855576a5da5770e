package query

import (
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// Plan is what an engine runs over the rows of a snapshot, one type for each kind of
// question. Everything in it is bound to a schema: names are resolved, defaults
// filled in, values typed, filters flattened and sorted, so that requests that ask
// the same of the same schema have equal plans. Key tells plans apart.
type Plan interface {
	Kind() Kind
	Columns() []Column // of the answer
	Source() Rows      // what it looks at
	MaxRows() int      // of the answer; past them it is cut off and says so
}

// Key is a canonical text of a plan: equal plans, and only they, share it.
func Key(p Plan) string {
	text, _ := json.Marshal(struct {
		Kind Kind `json:"kind"`
		Plan Plan `json:"plan"`
	}{p.Kind(), p}) // holds nothing that cannot be marshalled
	return string(text)
}

// Rows are the rows that a plan looks at.
type Rows struct {
	Range  Range `json:"range"` // of event time
	Filter *Expr `json:"filter,omitempty"`
}

// Source returns the rows.
func (r Rows) Source() Rows { return r }

// Keys are what rows are grouped by: a bucket of time, then dimensions.
type Keys struct {
	Bucket     *Bucket `json:"bucket,omitempty"` // the first column of the answer, if any
	Dimensions []Group `json:"dimensions,omitempty"`
}

// AggregatePlan computes measures of groups of rows. The answers of two sets of rows
// can be merged, where the measures can.
type AggregatePlan struct {
	Rows
	Keys
	Measures []Aggregand `json:"measures"`
	Order    []Sort      `json:"order"` // total: no two rows of an answer are equal in all of it
	Limit    int         `json:"limit"`
}

// Kind implements Plan.
func (AggregatePlan) Kind() Kind { return Aggregate }

// MaxRows implements Plan.
func (p AggregatePlan) MaxRows() int { return p.Limit }

// Range is [From, To) in UTC microseconds.
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Unbounded is the range of all time. Either of its ends is open in any range.
var Unbounded = Range{calendar.MinMicros, calendar.MaxMicros}

// Bucket groups rows by time.
type Bucket struct {
	Grain     calendar.Grain `json:"grain"`
	Zone      string         `json:"zone"` // loads with time.LoadLocation
	WeekStart time.Weekday   `json:"week_start"`
}

// Field is a column, or a property that has none.
type Field struct {
	Name   string       `json:"name"`
	Type   dataset.Type `json:"type"`
	InJSON bool         `json:"in_json,omitempty"` // the text of the property Name of column "properties"
	Mask   Mask         `json:"mask,omitempty"`    // what is read in the place of the value, as text; never Hidden
}

// Group is a dimension.
type Group struct {
	Name  string `json:"name"`
	Field Field  `json:"field"`
	Via   Via    `json:"via,omitempty"` // empty: the field itself

	AtExit bool `json:"at_exit,omitempty"` // of sessions: of the last row, not the first
}

// Aggregand is a measure.
type Aggregand struct {
	Name   string  `json:"name"`
	Op     Op      `json:"op"`
	Field  *Field  `json:"field,omitempty"` // nil: rows
	Via    Via     `json:"via,omitempty"`   // empty: the field itself
	Q      float64 `json:"q,omitempty"`
	Filter *Expr   `json:"filter,omitempty"`
}

// Sort orders by a column of the answer, by its place. Nulls come last.
type Sort struct {
	Column int  `json:"column"`
	Desc   bool `json:"desc,omitempty"`
}

// Node is the kind of an Expr.
type Node string

// The nodes. All but And, Or and Not are conditions of Expr.Field.
const (
	NodeAnd        Node = "and"
	NodeOr         Node = "or"
	NodeNot        Node = "not" // of one
	NodeEqual      Node = "="
	NodeNotEqual   Node = "!="
	NodeLess       Node = "<"
	NodeLessEqual  Node = "<="
	NodeMore       Node = ">"
	NodeMoreEqual  Node = ">="
	NodeIn         Node = "in"
	NodeNotIn      Node = "not_in"
	NodeContains   Node = "contains"
	NodeStartsWith Node = "starts_with"
	NodeEndsWith   Node = "ends_with"
	NodeIsNull     Node = "is_null"
	NodeIsNotNull  Node = "is_not_null"
	NodeNever      Node = "never"    // false of a value, null of null: an int that equals 1.5
	NodeAudience   Node = "audience" // Field is a subject of Audience
	NodeAlways     Node = "always"   // true of a value, null of null
)

// Expr is a condition, or several. As in SQL it is true, false or null.
type Expr struct {
	Node   Node    `json:"node"`
	Args   []Expr  `json:"args,omitempty"`
	Field  *Field  `json:"field,omitempty"`
	Values []Value `json:"values,omitempty"` // of the field's type, ascending, without repetition

	Audience *AudiencePlan `json:"audience,omitempty"`
}

// TimeColumn is the name of the answer's column of bucket starts.
const TimeColumn = "time"

// Columns describes the columns of the keys.
func (k Keys) Columns() []Column {
	var out []Column
	if k.Bucket != nil {
		out = append(out, Column{TimeColumn, Timestamp})
	}
	for _, d := range k.Dimensions {
		out = append(out, Column{d.Name, d.Type()})
	}
	return out
}

// Type is the type of the dimension's values.
func (g Group) Type() Type {
	if g.Via != "" {
		return Int
	}
	return TypeOf(g.Field.Type)
}

// ordered sorts by the keys alone.
func (k Keys) ordered() []Sort {
	order := make([]Sort, len(k.Columns()))
	for i := range order {
		order[i].Column = i
	}
	return order
}

// Columns describes the answer: the bucket, the dimensions, the measures.
func (p AggregatePlan) Columns() []Column {
	out := p.Keys.Columns()
	for _, m := range p.Measures {
		out = append(out, Column{m.Name, m.Type()})
	}
	return out
}

// Type is the type of the measure's values.
func (m Aggregand) Type() Type {
	switch m.Op {
	case Count, CountDistinct, ApproxDistinct:
		return Int
	case Avg, Median, Quantile, ApproxQuantile:
		return Float
	}
	if m.Via != "" {
		return Int
	}
	return TypeOf(m.Field.Type)
}
