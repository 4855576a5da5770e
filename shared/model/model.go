// Package model knows transformations: SQL over datasets, kept as a folder of files, whose
// results are datasets of their own. A model says what it reads with {{ source('web') }}, a
// dataset, and {{ ref('daily') }}, another model; so the folder is a graph without cycles,
// in whose order models are built. What a folder may hold is decided here; how a model is
// built, and that it is never wrong by a late row, is package build's business.
// docs/models.md is for those who write them.
package model

import (
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// Limits of a folder.
const (
	MaxModels = 200
	MaxFiles  = 400
	MaxText   = 192 << 10 // bytes of all files
)

// Files are the texts of a folder, by their names: a model's SQL is <name>.sql, what is said
// of models stands in any *.yml.
type Files map[string]string

// Model is a transformation. Its result is the dataset of its name.
type Model struct {
	Name        dataset.Name
	Description string
	Columns     []Column // that are described or tested
	SQL         string   // a SELECT, with datasets in the place of references
	Refs        []dataset.Name
	Sources     []dataset.Name
	Incremental *Incremental // nil: built in full each time
	Cadence     Cadence
	Queries     []Query // tests of the whole result
	Released    bool    // an owner says that the filters and masks of its inputs do not hold for it
}

// Column is what is said of a column of a result.
type Column struct {
	Name        string
	Description string
	Tests       []Test
}

// Incremental says that a model is built from the part of its inputs that changed.
type Incremental struct {
	Column string            // of the result, which tells what part a row is of
	Grain  Grain             // of Column, where that is a time; zero: each value is a part
	On     map[string]string // by input: its column that tells the part; absent: the input's own column of that name, or its time
	Whole  []dataset.Name    // inputs that are not parted: when one changes, all of the model is built
}

// Grain is the length of a part by time, in UTC.
type Grain string

// The grains. Weeks begin on Mondays.
const (
	Hour  Grain = "hour"
	Day   Grain = "day"
	Week  Grain = "week"
	Month Grain = "month"
)

// Grains lists them.
var Grains = []Grain{Hour, Day, Week, Month}

// Cadence is when a model is built by itself.
type Cadence string

// The cadences.
const (
	Manual   Cadence = "manual"
	Hourly   Cadence = "hourly"
	Daily    Cadence = "daily"
	Weekly   Cadence = "weekly"
	OnChange Cadence = "on_change"
)

// Cadences lists them.
var Cadences = []Cadence{Manual, Hourly, Daily, Weekly, OnChange}

// Test is a claim about a column. One of its fields is set.
type Test struct {
	NotNull  bool
	Unique   bool
	Accepted []any // values: texts, numbers, truth values
	Related  *Relation
}

// String names the test as a folder does.
func (t Test) String() string {
	switch {
	case t.NotNull:
		return "not_null"
	case t.Unique:
		return "unique"
	case t.Related != nil:
		return "relationships"
	}
	return "accepted_values"
}

// Relation says that each value is one of another dataset's column.
type Relation struct {
	To    dataset.Name
	Field string
}

// Query is a test of its own: a SELECT that must return nothing.
type Query struct {
	Name string
	SQL  string
	Refs []dataset.Name // that it reads, the model's own result among them
}

// Inputs lists what a model reads, in alphabetical order.
func (m Model) Inputs() []dataset.Name {
	all := slices.Concat(m.Refs, m.Sources)
	slices.Sort(all)
	return slices.Compact(all)
}

// CheckReads returns fault.Invalid unless the model's SQL, as it was read, reads what its
// references say and nothing else.
func (m Model) CheckReads(q sqlgate.Query) error {
	inputs := m.Inputs()
	for _, name := range q.Datasets {
		if !slices.Contains(inputs, name) {
			return fault.New(fault.Invalid, "bad_model", "the SQL reads %q without a reference", name).
				WithHint("write {{ source('%s') }}, or {{ ref('%[1]s') }} where it is a model", name)
		}
	}
	if len(q.Parameters) > 0 {
		return fault.New(fault.Invalid, "bad_model", "a model's SQL has no parameters")
	}
	return nil
}

// Project is a folder that was read: models in an order in which each follows what it reads.
type Project struct {
	Version int // counts the folder's changes, from 1
	Changed time.Time
	By      string
	Models  []Model
}

// Model returns the model of a name.
func (p Project) Model(name dataset.Name) (Model, bool) {
	i := slices.IndexFunc(p.Models, func(m Model) bool { return m.Name == name })
	if i < 0 {
		return Model{}, false
	}
	return p.Models[i], true
}

// Below lists some models and all that depend on them, in the project's order.
func (p Project) Below(names ...dataset.Name) []Model {
	in := map[dataset.Name]bool{}
	for _, n := range names {
		in[n] = true
	}
	var out []Model
	for _, m := range p.Models {
		if in[m.Name] || slices.ContainsFunc(m.Refs, func(r dataset.Name) bool { return in[r] }) {
			in[m.Name] = true
			out = append(out, m)
		}
	}
	return out
}
