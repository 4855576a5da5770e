package duck

import (
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/query"
)

// funnel writes a funnel: table a has the attempts, of which the best one of each
// subject is kept.
func (s sources) funnel(p query.FunnelPlan) (statement, error) {
	var out statement
	var c chain
	c.add("r", s.funnelRows(p))
	switch {
	case p.Unordered:
		c.add("g", s.funnelInstants(p))
		c.add("a", unorderedAttempts(p))
	case len(p.Exclude) > 0:
		c.add("g", s.funnelInstants(p))
		c.add("a", excludingAttempts(p, &c))
	default:
		c.add("a", orderedAttempts(p, &c))
	}
	fields := append([]string{"t := t", "n := n", "f := f"}, each(len(p.Dimensions), "d# := d#")...)
	const wider = "18446744073709551616" // 2^64: more steps come before an earlier beginning
	c.add("best", fmt.Sprintf("SELECT s, arg_min(struct_pack(%s), (%d - n)::HUGEINT * %s + t) b FROM a GROUP BY s", strings.Join(fields, ", "), len(p.Steps), wider))
	keys, err := s.followedKeys(p.Keys, "b.t", each(len(p.Dimensions), "b.d#"), &out)
	if err != nil {
		return out, err
	}
	columns := append(keys, funnelCounts(p)...)
	sql := "SELECT " + strings.Join(columns, ", ") + "\nFROM best"
	if len(keys) > 0 {
		sql += grouped(len(keys), funnelOrder(p, len(keys)), p.Limit)
	}
	out.sql = c.end(sql)
	return out, nil
}

// funnelOrder puts the largest groups first, or where there are buckets goes by time.
func funnelOrder(p query.FunnelPlan, keys int) []query.Sort {
	var order []query.Sort
	if p.Bucket == nil {
		order = append(order, query.Sort{Column: keys, Desc: true})
	}
	for i := range keys {
		order = append(order, query.Sort{Column: i})
	}
	return order
}

// funnelRows writes the rows that are a step (m0, m1, …) or an exclusion (x0, x1, …).
func (s sources) funnelRows(p query.FunnelPlan) string {
	var columns, any []string
	for i, step := range p.Steps {
		columns = append(columns, fmt.Sprintf("%s m%d", s.flag(step), i))
		any = append(any, s.flag(step))
	}
	for i, x := range p.Exclude {
		columns = append(columns, fmt.Sprintf("%s x%d", s.flag(&x.Filter), i))
		any = append(any, s.flag(&x.Filter))
	}
	return s.subjects(p.Rows, p.Subject, append(columns, s.dimensions(p.Dimensions)...), strings.Join(any, " OR "))
}

// funnelInstants gathers the rows of a subject's instant.
func (s sources) funnelInstants(p query.FunnelPlan) string {
	columns := append(each(len(p.Steps), "bool_or(m#) m#"), each(len(p.Exclude), "bool_or(x#) x#")...)
	columns = append(columns, each(len(p.Dimensions), "min(d#) FILTER (WHERE "+beginning(p)+") d#")...)
	return "SELECT s, t" + joined(columns) + " FROM r GROUP BY s, t"
}

// beginning is the condition of an attempt's first instant.
func beginning(p query.FunnelPlan) string {
	if p.Unordered {
		return "(" + strings.Join(each(len(p.Steps), "m#"), " OR ") + ")"
	}
	return "m0"
}

const (
	later = "(PARTITION BY s ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
	since = "(PARTITION BY s ORDER BY t ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
)

// orderedAttempts writes the attempts of a funnel without exclusions: f lists the
// instants of the steps from the first on, and n is how many of them are within the
// window. Each step is joined as the first row after the one before, which costs a
// sort of that step's rows alone.
func orderedAttempts(p query.FunnelPlan, c *chain) string {
	first := "SELECT s, t, t t1 FROM r WHERE m0"
	if n := len(p.Dimensions); n > 0 {
		first = "SELECT s, t, t t1" + joined(each(n, "min(d#) d#")) + " FROM r WHERE m0 GROUP BY s, t"
	}
	c.add("x0", first)
	instants := []string{"t1"}
	const never = "9223372036854775807" // after a null any row would be the first one
	for step := 1; step < len(p.Steps); step++ {
		c.add(fmt.Sprintf("x%d", step), fmt.Sprintf("SELECT a.*, b.t t%d FROM x%d a ASOF LEFT JOIN (SELECT s, t FROM r WHERE m%d) b ON a.s = b.s AND coalesce(a.t%d, %s) < b.t", step+1, step-1, step, step, never))
		instants = append(instants, fmt.Sprintf("t%d", step+1))
	}
	return fmt.Sprintf("SELECT *, [%s] f, %s n FROM x%d", strings.Join(instants, ", "), reached(p, "t%d"), len(p.Steps)-1)
}

// excludingAttempts writes the attempts of a funnel with exclusions, which an instant
// of the first step alone cannot tell: each instant of a step learns those that follow
// it, from the last step to the first.
func excludingAttempts(p query.FunnelPlan, c *chain) string {
	last := len(p.Steps) - 1
	c.add(fmt.Sprintf("g%d", last), fmt.Sprintf("SELECT *, CASE WHEN m%d THEN [t] END f FROM g", last))
	for step := last - 1; step >= 0; step-- {
		next := "coalesce(nf, [])"
		columns := "first_value(f IGNORE NULLS) OVER " + later + " nf"
		if x := excluding(p, step+1); x != "" {
			columns += fmt.Sprintf(", min(CASE WHEN %s THEN t END) OVER %s nx", x, later)
			next = "CASE WHEN nf IS NULL OR nx < nf[1] THEN [] ELSE nf END"
		}
		c.add(fmt.Sprintf("g%d", step), fmt.Sprintf("SELECT * EXCLUDE (f, nf), CASE WHEN m%d THEN list_prepend(t, %s) END f\nFROM (SELECT *, %s FROM g%d)", step, next, columns, step+1))
		if excluding(p, step+1) != "" {
			at := len(c.tables) - 1
			c.tables[at] = strings.Replace(c.tables[at], "EXCLUDE (f, nf)", "EXCLUDE (f, nf, nx)", 1)
		}
	}
	return fmt.Sprintf("SELECT *, %s n FROM g0 WHERE f IS NOT NULL", reached(p, "f[%d]"))
}

// reached writes how many steps are within the window, by what their instants are
// called.
func reached(p query.FunnelPlan, instant string) string {
	if len(p.Steps) == 1 {
		return "1"
	}
	sql := "CASE"
	for n := len(p.Steps); n > 1; n-- {
		sql += fmt.Sprintf(" WHEN "+instant+" - t <= %d THEN %d", n, p.Window, n)
	}
	return sql + " ELSE 1 END"
}

// excluding is the condition of what excludes between a step, counted from 1, and the
// next; empty where nothing does.
func excluding(p query.FunnelPlan, after int) string {
	var any []string
	for i, x := range p.Exclude {
		if x.After == 0 || x.After == after {
			any = append(any, fmt.Sprintf("x%d", i))
		}
	}
	return strings.Join(any, " OR ")
}

// unorderedAttempts writes the attempts: f lists the first instants of steps within
// the window, ascending, and n is how many there are.
func unorderedAttempts(p query.FunnelPlan) string {
	columns := each(len(p.Steps), "min(CASE WHEN m# THEN t END) OVER "+since+" n#")
	within := fmt.Sprintf("n# - t <= %d", p.Window)
	if x := excluding(p, 0); x != "" {
		columns = append(columns, fmt.Sprintf("min(CASE WHEN %s THEN t END) OVER %s nx", x, later))
		within += " AND (nx IS NULL OR nx >= n#)"
	}
	instants := each(len(p.Steps), "CASE WHEN "+within+" THEN n# END")
	counted := each(len(p.Steps), "CASE WHEN "+within+" THEN 1 ELSE 0 END")
	return fmt.Sprintf("SELECT *, list_sort([%s], 'ASC', 'NULLS LAST') f, %s n\nFROM (SELECT *, %s FROM g) WHERE %s",
		strings.Join(instants, ", "), strings.Join(counted, " + "), strings.Join(columns, ", "), beginning(p))
}

// funnelCounts writes how many subjects reach each step, and in which time.
func funnelCounts(p query.FunnelPlan) []string {
	out := []string{"count(*)"}
	for n := 2; n <= len(p.Steps); n++ {
		out = append(out, fmt.Sprintf("count(*) FILTER (WHERE b.n >= %d)", n))
	}
	for n := 2; n <= len(p.Steps); n++ {
		for _, q := range query.Quantiles {
			out = append(out, fmt.Sprintf("quantile_cont(b.f[%d] - b.t, %v::DOUBLE) FILTER (WHERE b.n >= %d)", n, q, n))
		}
	}
	return out
}
