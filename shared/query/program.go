package query

import "encoding/json"

// Program is a request bound to a schema: plans that an engine runs over one
// snapshot, and what is computed of their answers. Whatever can be computed from the
// answers of plans is computed here and not by engines: expressions of measures,
// comparisons, running totals, other groups, empty buckets. So engines, and whoever
// keeps their answers, need to know plans alone.
type Program struct {
	Definitions []Used // the named definitions that the request went through
	steps       steps
}

// Used names a version of a definition.
type Used struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
}

// Runner answers a plan. All plans of one program are answered over one snapshot.
type Runner func(Plan) (Result, error)

// steps are what a program does, as plain data.
type steps interface {
	columns() []Column
	run(Runner) (Result, error)
}

// Columns describes the program's answer.
func (p Program) Columns() []Column { return p.steps.columns() }

// Run answers the program. For a plain question it is one plan, whose answer is
// given as it is.
func (p Program) Run(run Runner) (Result, error) { return p.steps.run(run) }

// Key is a canonical text of the program: programs that share it have equal answers
// over the same rows.
func (p Program) Key() string {
	text, _ := json.Marshal(struct {
		Definitions []Used `json:"definitions,omitempty"`
		Steps       steps  `json:"steps"`
	}{p.Definitions, p.steps}) // holds nothing that cannot be marshalled
	return string(text)
}

// single is the program of one plan.
type single struct{ Plan Plan }

func (s single) columns() []Column              { return s.Plan.Columns() }
func (s single) run(run Runner) (Result, error) { return run(s.Plan) }

// MarshalJSON names the plan's kind with it.
func (s single) MarshalJSON() ([]byte, error) { return []byte(Key(s.Plan)), nil }
