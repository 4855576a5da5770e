package query

import "slices"

// Follower is a plan that follows subjects through time. It is answered from their
// trails, whatever engine finds those.
type Follower interface {
	Plan
	Trails() TrailPlan
}

// TrailPlan asks for the trails of subjects: of each row its instant, which flags it
// matches and the values of some fields. Rows without a subject or a time, and rows
// that match no flag, are left out. Trails of disjoint sets of rows can be merged.
type TrailPlan struct {
	Rows
	Subject Field   `json:"subject"`
	Flags   []*Expr `json:"flags"` // up to MaxFlags; nil: any row
	Fields  []Group `json:"fields,omitempty"`

	Once   bool    `json:"once,omitempty"`   // a step's time is the key of its bucket, and equal steps are one
	Bucket *Bucket `json:"bucket,omitempty"` // of Once; nil: all time is one, and rows without a time take part
}

// MaxFlags bounds the flags of a TrailPlan: they are bits of an int.
const MaxFlags = 62

// Trail is the kind of a TrailPlan, which no request names.
const Trail Kind = "trail"

// Trails is the answer of a TrailPlan. Package trail knows what it is made of.
type Trails interface {
	Size() int64 // bytes of memory
}

// Kind implements Plan.
func (TrailPlan) Kind() Kind { return Trail }

// MaxRows implements Plan. An answer has trails and no rows.
func (TrailPlan) MaxRows() int { return 0 }

// Columns describes what is found of each row: the subject as text, the time, the sum
// of two to the power of each flag's place, and the fields.
func (p TrailPlan) Columns() []Column {
	return append([]Column{{"subject", Text}, {"time", Int}, {"flags", Int}}, Keys{Dimensions: p.Fields}.Columns()...)
}

// Rowwise reports whether a row's part in the answer depends on the row alone, and not
// on any that an audience looks at.
func (p TrailPlan) Rowwise() bool {
	return !p.Filter.namesAudience() && !slices.ContainsFunc(p.Flags, (*Expr).namesAudience)
}

// Trails has a flag for each step, then one for each exclusion; the fields are the
// dimensions.
func (p FunnelPlan) Trails() TrailPlan {
	flags := slices.Clone(p.Steps)
	for i := range p.Exclude {
		flags = append(flags, &p.Exclude[i].Filter)
	}
	return TrailPlan{Rows: p.Rows, Subject: p.Subject, Flags: flags, Fields: p.Dimensions}
}

// Trails has two flags: whether a row begins a cohort, and whether it returns.
func (p RetentionPlan) Trails() TrailPlan {
	return TrailPlan{Rows: p.Rows, Subject: p.Subject, Flags: []*Expr{p.Cohort, p.Returning}, Fields: p.Dimensions}
}

// Trails has the value as the first field, then the dimensions.
func (p PathsPlan) Trails() TrailPlan {
	valued := Expr{Node: NodeIsNotNull, Field: &p.Of}
	return TrailPlan{Rows: p.Rows, Subject: p.Subject, Flags: []*Expr{&valued}, Fields: append([]Group{{Name: p.Of.Name, Field: p.Of}}, p.Dimensions...)}
}

// Trails has every row; the fields are the dimensions.
func (p SessionsPlan) Trails() TrailPlan {
	fields := slices.Clone(p.Dimensions)
	for i := range fields {
		fields[i].AtExit = false // the same trails serve either end
	}
	return TrailPlan{Rows: p.Rows, Subject: p.Subject, Flags: []*Expr{nil}, Fields: fields}
}

// DistinctPlan counts the values of a field that are not null, of each group. It
// follows values as if they were subjects, to know those that two sets of rows share.
type DistinctPlan struct {
	Rows
	Keys
	Of    Field `json:"of"`
	When  *Expr `json:"when,omitempty"` // of the rows that count; nil: all
	Limit int   `json:"limit"`
}

// Distinct is the kind of a DistinctPlan, which no request names.
const Distinct Kind = "distinct"

// Kind implements Plan.
func (DistinctPlan) Kind() Kind { return Distinct }

// MaxRows implements Plan.
func (p DistinctPlan) MaxRows() int { return p.Limit }

// Columns describes the answer: the keys, and how many values. It comes in the order of
// the keys.
func (p DistinctPlan) Columns() []Column { return append(p.Keys.Columns(), Column{"values", Int}) }

// Trails has one step for each value in each bucket and group.
func (p DistinctPlan) Trails() TrailPlan {
	return TrailPlan{Rows: p.Rows, Subject: p.Of, Flags: []*Expr{p.When}, Fields: p.Dimensions, Once: true, Bucket: p.Bucket}
}
