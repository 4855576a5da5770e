package query

import (
	"slices"
	"strconv"
)

// aggregate binds an aggregate request.
func (b *binder) aggregate(r Request) (*aggregation, error) {
	a := &aggregation{Fill: r.Time != nil && r.Time.Fill, Totals: r.Totals, Limit: limitOf(r)}
	var err error
	if a.Rows, a.Bucket, err = b.source(r.Time, r.Filter); err != nil {
		return nil, err
	}
	if a.Dimensions, err = b.dimensions(r.Dimensions); err != nil {
		return nil, err
	}
	if err := b.measures(r.Measures, a); err != nil {
		return nil, err
	}
	if r.Top != nil {
		if err := b.top(*r.Top, a); err != nil {
			return nil, err
		}
	}
	if r.Compare != nil {
		if err := b.compare(*r.Compare, r.Time, a); err != nil {
			return nil, err
		}
	}
	columns := a.columns()
	if err := uniqueNames(columns); err != nil {
		return nil, err
	}
	if r.Having != nil {
		if a.Having, err = bindHaving(*r.Having, columns); err != nil {
			return nil, err
		}
	}
	a.Order, err = orderBy(r.Order, columns, a.distinct())
	a.push()
	return a, err
}

func limitOf(r Request) int {
	if r.Limit == 0 {
		return DefaultLimit
	}
	return r.Limit
}

// measures binds measures in order: those of rows become the plan's, the others are
// computed of slots before them.
func (b *binder) measures(list []Measure, a *aggregation) error {
	if len(list) == 0 {
		return refuse("measures", "there are none").WithHint(`ask for at least one: "measures": ["count"]`)
	}
	list, err := b.expand(list)
	if err != nil {
		return err
	}
	for _, m := range list {
		if !m.derived() {
			a.ofRows++
		}
	}
	known := map[string]int{} // slots by name
	for i, m := range list {
		path := "measures[" + strconv.Itoa(i) + "]"
		if m.Name == "" {
			m.Name = defaultName(m)
		}
		slot := a.ofRows + len(a.Derived)
		if m.derived() {
			d, err := a.derive(path, m, known)
			if err != nil {
				return err
			}
			a.Derived = append(a.Derived, d)
		} else {
			bound, err := b.measure(path, m)
			if err != nil {
				return err
			}
			bound.Name = m.Name
			slot = len(a.Base)
			a.Base = append(a.Base, bound)
		}
		if _, twice := known[m.Name]; !twice {
			known[m.Name] = slot
		}
		if !m.Hidden {
			a.Shown = append(a.Shown, shown{m.Name, slot})
		}
	}
	if len(a.Shown) == 0 {
		return refuse("measures", "all are hidden").WithHint("leave hidden out of at least one")
	}
	return nil
}

func (m Measure) derived() bool { return m.Op == Ratio || m.Op == RunningTotal || m.Expr != "" }

// expand puts definitions in the place of their names. What an expression refers to
// and the request does not hold is looked for among them, and added hidden.
func (b *binder) expand(list []Measure) ([]Measure, error) {
	e := expansion{binder: b, present: map[string]bool{}}
	for i, m := range list {
		if err := e.add("measures["+strconv.Itoa(i)+"]", m, 0); err != nil {
			return nil, err
		}
	}
	return e.out, nil
}

type expansion struct {
	*binder
	out     []Measure
	present map[string]bool
}

func (e *expansion) add(path string, m Measure, depth int) error {
	if m.Ref != "" {
		d, ok := e.use(m.Ref)
		if !ok || d.Measure == nil {
			return refuse(path, "%.80q is not a measure", m.Ref).
				WithHint(`"count", an object such as {"op": "sum", "column": "revenue"}, or the name of a defined measure: %s`, listed(e.names()))
		}
		hidden := m.Hidden
		m, m.Name, m.Hidden = *d.Measure, m.Ref, hidden
	}
	if depth > MaxDepth || len(e.out) >= 2*MaxMeasures {
		return refuse(path, "is defined by too many measures, or by itself")
	}
	for _, name := range m.refers() {
		if d, ok := e.named[name]; !e.present[name] && ok && d.Measure != nil {
			if err := e.add(path, Measure{Ref: name, Hidden: true}, depth+1); err != nil {
				return err
			}
		}
	}
	if m.Name != "" {
		e.present[m.Name] = true
	} else {
		e.present[defaultName(m)] = true
	}
	e.out = append(e.out, m)
	return nil
}

// names lists the defined measures.
func (e *expansion) names() []string {
	var all []string
	for name, d := range e.named {
		if d.Measure != nil {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// refers lists the measures that m is computed of.
func (m Measure) refers() []string {
	if m.Expr == "" {
		return m.Of
	}
	names, _ := namesIn(m.Expr) // what is wrong with it is told where it is bound
	return names
}

// derive binds a measure of measures.
func (a *aggregation) derive(path string, m Measure, known map[string]int) (derived, error) {
	look := func(name string) (int, error) {
		slot, ok := known[name]
		if !ok {
			names := make([]string, 0, len(known))
			for n := range known {
				names = append(names, n)
			}
			slices.Sort(names)
			return 0, refuse(path, "there is no measure %.80q before this one", name).WithHint("%s", suggest(name, names, "measures"))
		}
		if t := a.slotType(slot); t != Int && t != Float {
			return 0, refuse(path, "measure %q is %s, and only numbers can be computed with", name, t)
		}
		return slot, nil
	}
	switch {
	case m.Expr != "":
		e, err := parseExpr(path+".expr", m.Expr, look)
		return derived{Expr: &e}, err
	case m.Op == Ratio:
		over, err := look(m.Of[0])
		if err != nil {
			return derived{}, err
		}
		under, err := look(m.Of[1])
		return derived{Expr: &arith{Op: "/", Args: []arith{{Op: opSlot, Slot: over}, {Op: opSlot, Slot: under}}}}, err
	}
	slot, err := look(m.Of[0])
	switch {
	case err != nil:
		return derived{}, err
	case a.Bucket == nil:
		return derived{}, refuse(path, "a running total needs a time grain").WithHint(`"time": {"grain": "day"}`)
	case slot >= a.ofRows || a.Base[slot].Op != Count && a.Base[slot].Op != Sum:
		return derived{}, refuse(path, "measure %q does not add up over time", m.Of[0]).WithHint("running totals are of counts and sums")
	}
	return derived{Running: &slot}, nil
}

func (b *binder) top(t Top, a *aggregation) error {
	if len(a.Dimensions) == 0 {
		return refuse("top", "there is no dimension").WithHint(`"dimensions": ["url"]`)
	}
	bound := &ranking{N: t.N, Other: t.Other, By: a.Shown[0].Slot}
	if t.Dimension != "" {
		bound.Dimension = slices.IndexFunc(a.Dimensions, func(g Group) bool { return g.Name == t.Dimension })
		if bound.Dimension < 0 {
			return refuse("top.dimension", "there is no dimension %.80q", t.Dimension).WithHint("by its name in the answer")
		}
	}
	if t.By != "" {
		at := slices.IndexFunc(a.Shown, func(s shown) bool { return s.Name == t.By })
		if at < 0 {
			return refuse("top.by", "there is no measure %.80q", t.By).WithHint("by its name in the answer")
		}
		bound.By = a.Shown[at].Slot
	}
	if d := bound.By - len(a.Base); d >= 0 && a.Derived[d].Running != nil {
		return refuse("top.by", "a running total ranks nothing").WithHint("rank by what it is the total of")
	}
	a.Top = bound
	return nil
}

func (b *binder) compare(c Compare, t *Time, a *aggregation) error {
	r := a.Range
	if r.From == Unbounded.From || r.To == Unbounded.To {
		return refuse("compare", "the range of time is open").WithHint("give time.from and time.to")
	}
	if c.Unit == "" {
		c.Unit = Previous
	}
	if c.Count == 0 {
		c.Count = 1
	}
	name := ""
	if t != nil {
		name = t.Zone
	}
	zone, err := LoadZone(name)
	if err != nil {
		return err
	}
	a.Compare = &shift{Unit: c.Unit, Count: c.Count, Zone: zone.String()}
	if earlier := a.Compare.of(r); earlier.From > r.From {
		return refuse("compare", "goes back before the beginning of time")
	}
	return nil
}
