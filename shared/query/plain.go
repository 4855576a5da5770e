package query

// Plan returns the only plan of a plain question, whose answer is the program's as it
// is.
func (p Program) Plan() (Plan, bool) {
	switch s := p.steps.(type) {
	case single:
		return s.Plan, true
	case *aggregation:
		return s.detail(), s.plain()
	}
	return nil, false
}
