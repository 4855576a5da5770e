package duck

import (
	"github.com/tarnhq/tarn/shared/query"
)

// conditionsOf lists the conditions of a plan, those of its measures and steps too.
func conditionsOf(p query.Plan) []*query.Expr {
	all := []*query.Expr{p.Source().Filter}
	switch p := p.(type) {
	case query.AggregatePlan:
		for _, m := range p.Measures {
			all = append(all, m.Filter)
		}
	case query.TrailPlan:
		all = append(all, p.Flags...)
	case query.AudiencePlan:
		all = append(all, deedsOf(p.Where)...)
	}
	return all
}

func deedsOf(d *query.Deed) []*query.Expr {
	if d == nil {
		return nil
	}
	all := []*query.Expr{d.Did}
	for i := range d.Args {
		all = append(all, deedsOf(&d.Args[i])...)
	}
	return all
}

// audiencesOf lists the audiences that a plan's conditions name, each once.
func audiencesOf(p query.Plan) []query.AudiencePlan {
	var all []query.AudiencePlan
	seen := map[string]bool{}
	var walk func(e *query.Expr)
	walk = func(e *query.Expr) {
		if e == nil {
			return
		}
		if e.Audience != nil && !seen[audienceName(*e.Audience)] {
			seen[audienceName(*e.Audience)] = true
			all = append(all, *e.Audience)
		}
		for i := range e.Args {
			walk(&e.Args[i])
		}
	}
	for _, e := range conditionsOf(p) {
		walk(e)
	}
	return all
}

// rangeOfPlan is the range that holds those of a plan and of the audiences in it.
func rangeOfPlan(p query.Plan, audiences []query.AudiencePlan) query.Range {
	r := p.Source().Range
	for _, a := range audiences {
		r.From, r.To = min(r.From, a.Range.From), max(r.To, a.Range.To)
	}
	return r
}

// fieldsOf lists the fields that a plan groups, computes or filters by. The range of
// time is not among them, where there is but one: each source restricts it in its own
// way.
func fieldsOf(p query.Plan) fields {
	var f fields
	f.addPlan(p)
	for _, a := range audiencesOf(p) {
		f.addPlan(a)
		f.add(timeField)
	}
	return f
}

func (f *fields) addPlan(p query.Plan) {
	switch p := p.(type) {
	case query.AggregatePlan:
		if p.Bucket != nil {
			f.add(momentField)
		}
		f.addDimensions(p.Dimensions)
		for _, m := range p.Measures {
			if m.Field != nil {
				f.add(*m.Field)
			}
			f.addFilter(m.Filter)
		}
	case query.TrailPlan:
		f.add(p.Subject)
		if time, timed := stepField(p); timed {
			f.add(time)
		}
		f.addDimensions(p.Fields)
	case query.AudiencePlan:
		f.add(p.Subject)
		if len(p.Dimensions) > 0 {
			f.addFollowed(p.Subject, query.Keys{Dimensions: p.Dimensions})
		}
	}
	for _, e := range conditionsOf(p) {
		f.addFilter(e)
	}
}

func (f *fields) addFollowed(subject query.Field, k query.Keys) {
	f.add(subject)
	f.add(timeField)
	f.addDimensions(k.Dimensions)
}
