package query

import (
	"fmt"
	"strconv"

	"github.com/tarnhq/tarn/shared/query/calendar"
)

func stepColumn(i int) string { return "step_" + strconv.Itoa(i) }

// followed is what the kinds that follow subjects share.
type followed struct {
	Rows
	Keys
	subject Field
}

func (b *binder) followed(r Request) (out followed, err error) {
	if out.Rows, out.Bucket, err = b.source(r.Time, r.Filter); err != nil {
		return out, err
	}
	if out.Dimensions, err = b.dimensions(r.Dimensions); err != nil {
		return out, err
	}
	if out.subject, err = b.subject(r.Subject); err != nil {
		return out, err
	}
	if r.Kind == Audience && len(r.Dimensions) == 0 {
		return out, nil // needs no time
	}
	return out, b.hasTime("kind")
}

func (b *binder) subject(name string) (Field, error) {
	if name == "" {
		name = DefaultSubject
	}
	return b.scope.field("subject", name)
}

// rowFilter binds a filter that may be absent.
func (b *binder) rowFilter(path string, f *Filter) (*Expr, error) {
	if f == nil {
		return nil, nil
	}
	e, err := b.filter(path, *f)
	if err != nil {
		return nil, err
	}
	e = normalize(e)
	return &e, nil
}

func (b *binder) funnel(r Request) (steps, error) {
	f, err := b.followed(r)
	if err != nil {
		return nil, err
	}
	if len(r.Steps) < 1 {
		return nil, refuse("steps", "there are none").WithHint(`{"steps": [{"filter": {"column": "event", "op": "=", "value": "signup"}}, …]}`)
	}
	out := funnelProgram{Plan: FunnelPlan{Rows: f.Rows, Keys: f.Keys, Subject: f.subject, Unordered: r.Unordered}}
	for i, step := range r.Steps {
		e, err := b.rowFilter(fmt.Sprintf("steps[%d].filter", i), step.Filter)
		if err != nil {
			return nil, err
		}
		if step.Name == "" {
			step.Name = strconv.Itoa(i + 1)
		}
		out.Plan.Steps = append(out.Plan.Steps, e)
		out.Names = append(out.Names, step.Name)
	}
	for i, x := range r.Exclude {
		path := fmt.Sprintf("exclude[%d]", i)
		if x.After >= len(r.Steps) || x.After > 0 && r.Unordered {
			return nil, refuse(path+".after", "no step comes after step %d", x.After).WithHint("give the number of a step but the last of an ordered funnel, or leave it out")
		}
		e, err := b.rowFilter(path+".filter", &x.Filter)
		if err != nil {
			return nil, err
		}
		out.Plan.Exclude = append(out.Plan.Exclude, Excluded{*e, x.After})
	}
	if out.Plan.Window, err = parseSpan("window", r.Window, "7d"); err != nil {
		return nil, err
	}
	out.Plan.Limit = max(1, limitOf(r)/len(r.Steps))
	return out, uniqueNames(out.columns())
}

func (b *binder) retention(r Request) (steps, error) {
	if r.Time == nil {
		r.Time = &Time{}
	}
	if r.Time.Grain == "" {
		t := *r.Time
		t.Grain = calendar.Day
		r.Time = &t
	}
	if _, clock := r.Time.Grain.Clock(); clock {
		return nil, refuse("time.grain", "cohorts are of days or longer").WithHint("day, week, month, quarter or year")
	}
	f, err := b.followed(r)
	if err != nil {
		return nil, err
	}
	p := RetentionPlan{Rows: f.Rows, Keys: f.Keys, Subject: f.subject, Recurring: r.Recurring, Periods: r.Periods, Limit: MaxLimit}
	if p.Periods == 0 {
		p.Periods = 12
	}
	if p.Cohort, err = b.rowFilter("cohort", r.Cohort); err != nil {
		return nil, err
	}
	if p.Returning, err = b.rowFilter("returning", r.Returning); err != nil {
		return nil, err
	}
	out := retentionProgram{Plan: p, Limit: limitOf(r)}
	return out, uniqueNames(out.columns())
}

func (b *binder) paths(r Request) (steps, error) {
	f, err := b.followed(r)
	if err != nil {
		return nil, err
	}
	p := PathsPlan{Rows: f.Rows, Keys: f.Keys, Subject: f.subject, Before: r.Before, Depth: r.Depth, Collapse: r.Collapse, Limit: limitOf(r)}
	if p.Depth == 0 {
		p.Depth = 3
	}
	column := r.Column
	if column == "" {
		column = "event"
	}
	if p.Of, err = b.scope.field("column", column); err != nil {
		return nil, err
	}
	if r.Start != nil {
		e, err := compared("start", p.Of, NodeEqual, r.Start)
		if err != nil {
			return nil, err
		}
		if e.Node != NodeEqual {
			return nil, refuse("start", "column %q never has that value", column)
		}
		p.Start = &e.Values[0]
	}
	columns := p.Columns()
	if err := uniqueNames(columns); err != nil {
		return nil, err
	}
	p.Order, err = orderBy(append(r.Order, Order{By: "occurrences", Desc: true}), columns, len(columns)-2)
	return single{p}, err
}

func (b *binder) sessions(r Request) (steps, error) {
	f, err := b.followed(r)
	if err != nil {
		return nil, err
	}
	p := SessionsPlan{Rows: f.Rows, Keys: f.Keys, Subject: f.subject, Limit: limitOf(r)}
	for i, d := range r.Dimensions {
		p.Dimensions[i].AtExit = d.At == Exit
	}
	if p.Timeout, err = parseSpan("timeout", r.Timeout, "30m"); err != nil {
		return nil, err
	}
	columns := p.Columns()
	if err := uniqueNames(columns); err != nil {
		return nil, err
	}
	p.Order, err = orderBy(r.Order, columns, len(p.Keys.Columns()))
	return single{p}, err
}

func (b *binder) audience(r Request) (steps, error) {
	p, err := b.audiencePlan(r)
	if err != nil {
		return nil, err
	}
	p.Limit = limitOf(r)
	columns := p.Columns()
	if err := uniqueNames(columns); err != nil {
		return nil, err
	}
	p.Order, err = orderBy(r.Order, columns, max(boolCount(p.List), len(p.Dimensions)))
	return single{p}, err
}

func boolCount(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (b *binder) audiencePlan(r Request) (AudiencePlan, error) {
	f, err := b.followed(r)
	if err != nil {
		return AudiencePlan{}, err
	}
	switch {
	case f.Bucket != nil:
		return AudiencePlan{}, refuse("time.grain", "an audience has no buckets").WithHint("leave it out")
	case r.List && len(r.Dimensions) > 0:
		return AudiencePlan{}, refuse("list", "subjects are listed without dimensions")
	}
	p := AudiencePlan{Rows: f.Rows, Dimensions: f.Dimensions, Subject: f.subject, List: r.List}
	if r.Where != nil {
		where, err := b.deed("where", *r.Where)
		if err != nil {
			return p, err
		}
		p.Where = &where
	}
	return p, nil
}

func (b *binder) deed(path string, w Behaviour) (Deed, error) {
	node, list := NodeAnd, w.And
	switch {
	case w.Did != nil:
		e, err := b.rowFilter(path+".did", w.Did)
		return Deed{Did: e, AtLeast: max(1, w.AtLeast), AtMost: w.AtMost}, err
	case w.Not != nil:
		d, err := b.deed(path+".not", *w.Not)
		return Deed{Node: NodeNot, Args: []Deed{d}}, err
	case w.Or != nil:
		node, list = NodeOr, w.Or
	}
	out := Deed{Node: node}
	for i, item := range list {
		d, err := b.deed(fmt.Sprintf("%s.%s[%d]", path, node, i), item)
		if err != nil {
			return out, err
		}
		out.Args = append(out.Args, d)
	}
	return out, nil
}

// member is the condition that a row's subject is of a defined audience. Its rows are
// those that the audience itself looks at, whatever the query's are.
func (b *binder) member(path, name string) (Expr, error) {
	d, ok := b.use(name)
	if !ok || d.Query == nil || d.Query.Kind != Audience {
		return Expr{}, refuse(path, "there is no audience %.80q", name).WithHint(`save a query of kind "audience" under that name`)
	}
	if b.within {
		return Expr{}, refuse(path, "an audience is not defined by another one")
	}
	inner := &binder{scope: b.scope, rows: b.rows, named: b.named, used: b.used, within: true}
	p, err := inner.audiencePlan(*d.Query)
	if err != nil {
		return Expr{}, fmt.Errorf("audience %s: %w", name, err)
	}
	p.List, p.Dimensions = true, nil
	return Expr{Node: NodeAudience, Field: &p.Subject, Audience: &p}, nil
}

// parseSpan reads a length of time: a whole number and s, m, h, d or w, of which a day
// is 24 hours.
func parseSpan(path, text, usual string) (micros int64, err error) {
	if text == "" {
		text = usual
	}
	units := map[byte]int64{'s': 1e6, 'm': 60e6, 'h': 3600e6, 'd': 24 * 3600e6, 'w': 7 * 24 * 3600e6}
	const most = 3660 * 24 * 3600e6
	last := len(text) - 1
	n, err := strconv.ParseInt(text[:last], 10, 64)
	unit := units[text[last]]
	if err != nil || unit == 0 || n < 1 || n > most/unit {
		return 0, refuse(path, "%.40q is no length of time", text).WithHint("write a number and s, m, h, d or w, such as 30m or 7d; at most ten years")
	}
	return n * unit, nil
}
