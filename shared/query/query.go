// Package query knows what may be asked of a dataset and what an answer is. A
// Request is what a caller writes; bound to a dataset's schema it becomes a Program:
// Plans that an engine runs, and what is computed of their answers. A Plan is typed,
// normalized, and free of names that do not exist, so that an engine need not check
// anything and two requests that ask the same have equal plans. Package engine runs
// plans.
package query

import (
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// Kind is the kind of question.
type Kind string

// Aggregate groups rows and computes measures of each group.
const Aggregate Kind = "aggregate"

// Limits of a request.
const (
	MaxBody       = 1 << 20 // bytes
	MaxShift      = 1_000   // units that a comparison goes back
	MaxDepth      = 32      // of nested objects and arrays
	MaxMeasures   = 50
	MaxDimensions = 20
	MaxOperands   = 1000   // conditions of a filter
	MaxValues     = 10_000 // of one "in"
	MaxLimit      = 100_000
	DefaultLimit  = 1_000
	MaxTop        = 1_000
	MaxExpr       = 1_000 // bytes of one expression
)

// Request is the body of POST /v1/query.
type Request struct {
	Dataset    dataset.Name `json:"dataset" example:"web"`
	Kind       Kind         `json:"kind,omitempty" enum:"aggregate,funnel,retention,paths,sessions,audience" default:"aggregate"`
	Measures   []Measure    `json:"measures,omitempty" doc:"what to compute of each group; the text \"count\" is short for {\"op\": \"count\"}" maxItems:"50"`
	Dimensions []Dimension  `json:"dimensions,omitempty" doc:"what to group by; a column's name is short for {\"column\": name}" maxItems:"20"`
	Time       *Time        `json:"time,omitempty"`
	Filter     *Filter      `json:"filter,omitempty"`
	Top        *Top         `json:"top,omitempty"`
	Compare    *Compare     `json:"compare,omitempty"`
	Having     *Filter      `json:"having,omitempty" doc:"of aggregate: only rows of the answer that match, whose columns it names; applied once all else is computed, before the limit"`
	Totals     Totals       `json:"totals,omitempty" enum:"grand,all" doc:"further rows of fewer dimensions, told by the column level"`
	Order      []Order      `json:"order,omitempty" doc:"default: by time, then by the dimensions"`
	Limit      int          `json:"limit,omitempty" minimum:"1" maximum:"100000" default:"1000"`
	WaitFor    string       `json:"wait_for,omitempty" doc:"the Tarn-Version of an ingest answer: wait until that is seen"`
	Explain    bool         `json:"explain,omitempty" doc:"tell with the answer what it cost"`

	Subject   string      `json:"subject,omitempty" doc:"all kinds but aggregate: the column that tells who" default:"user_id"`
	Steps     []Step      `json:"steps,omitempty" doc:"funnel" maxItems:"20"`
	Unordered bool        `json:"unordered,omitempty" doc:"funnel: steps in any order"`
	Window    string      `json:"window,omitempty" doc:"funnel: how long an attempt may take: a number and s, m, h, d or w" default:"7d"`
	Exclude   []Exclusion `json:"exclude,omitempty" doc:"funnel: what must not come between steps" maxItems:"20"`
	Cohort    *Filter     `json:"cohort,omitempty" doc:"retention: the rows that make a subject one of a cohort; default: all"`
	Returning *Filter     `json:"returning,omitempty" doc:"retention: the rows that are a return; default: all"`
	Recurring bool        `json:"recurring,omitempty" doc:"retention: a subject is of the cohort of every period it has such a row in, not of its first one alone"`
	Periods   int         `json:"periods,omitempty" minimum:"1" maximum:"400" default:"12" doc:"retention: the last period"`
	Column    string      `json:"column,omitempty" doc:"paths: the column whose values make them" default:"event"`
	Start     any         `json:"start,omitempty" doc:"paths: the value that they begin with; default: each subject's first, or before it the last"`
	Before    bool        `json:"before,omitempty" doc:"paths: what comes before, not after"`
	Depth     int         `json:"depth,omitempty" minimum:"1" maximum:"10" default:"3" doc:"paths: how many values further"`
	Collapse  bool        `json:"collapse,omitempty" doc:"paths: a value that repeats counts once"`
	Timeout   string      `json:"timeout,omitempty" doc:"sessions: the longest pause: a number and s, m, h, d or w" default:"30m"`
	Where     *Behaviour  `json:"where,omitempty" doc:"audience: what a subject did; default: anything"`
	List      bool        `json:"list,omitempty" doc:"audience: the subjects themselves, not their number"`
}

// Measure is a number computed of each group.
type Measure struct {
	Name   string   `json:"name,omitempty" doc:"of the answer's column; default: the op, with the column"`
	Op     Op       `json:"op,omitempty" enum:"count,count_distinct,sum,avg,min,max,median,quantile,approx_distinct,approx_quantile,ratio,running_total"`
	Column string   `json:"column,omitempty" doc:"what to compute it of; count without one counts rows"`
	Q      float64  `json:"q,omitempty" doc:"of quantile and approx_quantile: 0 to 1" minimum:"0" maximum:"1"`
	Filter *Filter  `json:"filter,omitempty" doc:"only rows that match"`
	Of     []string `json:"of,omitempty" doc:"names of measures before this one: two of ratio, one of running_total"`
	Expr   string   `json:"expr,omitempty" doc:"arithmetic over measures before this one, in place of an op" example:"revenue / users"`
	Hidden bool     `json:"hidden,omitempty" doc:"only others are computed of it; the answer leaves it out"`
	Ref    string   `json:"ref,omitempty" doc:"the name of a defined measure; that name as text is short for it"`
}

// Dimension is a column to group by.
type Dimension struct {
	Column string `json:"column"`
	Name   string `json:"name,omitempty" doc:"of the answer's column; default: the column's"`
	At     At     `json:"at,omitempty" enum:"entry,exit" doc:"sessions: of the first row or the last; default: the first"`
}

// At is a place in a session.
type At string

// The places.
const (
	Entry At = "entry"
	Exit  At = "exit"
)

// Time restricts rows to [From, To) of event time and groups them by a grain.
type Time struct {
	From      string         `json:"from,omitempty" format:"date-time" doc:"inclusive"`
	To        string         `json:"to,omitempty" format:"date-time" doc:"exclusive"`
	Grain     calendar.Grain `json:"grain,omitempty" enum:"minute,hour,day,week,month,quarter,year"`
	Zone      string         `json:"zone,omitempty" doc:"an IANA time zone" default:"UTC" example:"Europe/Zurich"`
	WeekStart string         `json:"week_start,omitempty" enum:"monday,tuesday,wednesday,thursday,friday,saturday,sunday" default:"monday"`
	Fill      bool           `json:"fill,omitempty" doc:"rows also for the buckets that have none: counts are 0 there, the rest is null"`
}

// Top keeps the groups of a dimension's first values and gathers all others.
type Top struct {
	N         int    `json:"n" minimum:"1" maximum:"1000"`
	Dimension string `json:"dimension,omitempty" doc:"by its name in the answer; default: the first one"`
	By        string `json:"by,omitempty" doc:"the measure that ranks, the greatest first; default: the first one"`
	Other     bool   `json:"other,omitempty" doc:"one more group for the rest, told by the column other"`
}

// Compare asks the same of an earlier time.
type Compare struct {
	Unit  ShiftUnit `json:"unit,omitempty" enum:"previous,day,week,month,quarter,year" default:"previous" doc:"previous is the time of the same length just before"`
	Count int       `json:"count,omitempty" minimum:"1" maximum:"1000" default:"1"`
}

// ShiftUnit is what Compare goes back by.
type ShiftUnit string

// The units of comparisons: the length of the range itself, or units of the calendar
// in the request's zone.
const (
	Previous     ShiftUnit = "previous"
	ShiftDay     ShiftUnit = "day"
	ShiftWeek    ShiftUnit = "week"
	ShiftMonth   ShiftUnit = "month"
	ShiftQuarter ShiftUnit = "quarter"
	ShiftYear    ShiftUnit = "year"
)

var shiftUnits = []ShiftUnit{Previous, ShiftDay, ShiftWeek, ShiftMonth, ShiftQuarter, ShiftYear}

// Totals says which rows of fewer dimensions are added.
type Totals string

// The totals.
const (
	GrandTotal Totals = "grand" // one row of everything
	AllTotals  Totals = "all"   // also of each run of leading columns: time, time and the first dimension, …
)

var totals = []Totals{GrandTotal, AllTotals}

// Filter is a tree of conditions: exactly one of And, Or, Not, Column or Audience is
// given.
// A condition on a null is neither true nor false, as in SQL: only is_null and
// is_not_null tell nulls.
type Filter struct {
	And      []Filter   `json:"and,omitempty"`
	Or       []Filter   `json:"or,omitempty"`
	Not      *Filter    `json:"not,omitempty"`
	Audience string     `json:"audience,omitempty" doc:"the name of a saved audience: only rows of its subjects"`
	Column   string     `json:"column,omitempty"`
	Op       Comparison `json:"op,omitempty" enum:"=,!=,<,<=,>,>=,in,not_in,between,contains,starts_with,ends_with,is_null,is_not_null"`
	Value    any        `json:"value,omitempty" doc:"a list for in and not_in, [low, high] for between (both inclusive), none for is_null and is_not_null"`

	Attribute string `json:"attribute,omitempty" doc:"of row filters: the caller's attribute of this name, in the place of value"`
}

// Order sorts the answer by one of its columns. Nulls come last, either way.
type Order struct {
	By   string `json:"by"`
	Desc bool   `json:"desc,omitempty"`
}

// Op is what a measure computes.
type Op string

// The measures. Nulls do not count; of no values, all but the counts are null.
const (
	Count         Op = "count"
	CountDistinct Op = "count_distinct" // exact
	Sum           Op = "sum"            // of ints exact, however large
	Avg           Op = "avg"
	Min           Op = "min"
	Max           Op = "max"
	Median        Op = "median"   // quantile 0.5
	Quantile      Op = "quantile" // exact, interpolated between the two nearest values
)

// The approximate measures, for what is too much to count or sort exactly.
const (
	ApproxDistinct Op = "approx_distinct" // a HyperLogLog: standard error 1.625%
	ApproxQuantile Op = "approx_quantile" // a DDSketch: within 1% of the value of that rank, which is not interpolated
)

// The measures of measures. A ratio or expression over a null, or over zero, is null.
const (
	Ratio        Op = "ratio"
	RunningTotal Op = "running_total" // over the buckets so far, of the same dimensions
)

var ops = []Op{Count, CountDistinct, Sum, Avg, Min, Max, Median, Quantile, ApproxDistinct, ApproxQuantile, Ratio, RunningTotal}

// Comparison is what a condition does with a column and a value.
type Comparison string

// The comparisons. Text compares by its UTF-8 bytes.
const (
	Equal        Comparison = "="
	NotEqual     Comparison = "!="
	Less         Comparison = "<"
	LessEqual    Comparison = "<="
	Greater      Comparison = ">"
	GreaterEqual Comparison = ">="
	In           Comparison = "in"
	NotIn        Comparison = "not_in"
	Between      Comparison = "between"
	Contains     Comparison = "contains"
	StartsWith   Comparison = "starts_with"
	EndsWith     Comparison = "ends_with"
	IsNull       Comparison = "is_null"
	IsNotNull    Comparison = "is_not_null"
)

var comparisons = []Comparison{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, NotIn, Between, Contains, StartsWith, EndsWith, IsNull, IsNotNull}
