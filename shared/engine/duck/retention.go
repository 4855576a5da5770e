package duck

import (
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
)

// retention writes retention. Rows are gathered by subject and bucket first: p holds
// a subject's first row that begins and its last one that returns; c its cohorts.
func (s sources) retention(p query.RetentionPlan) (statement, error) {
	var out statement
	key, err := s.bucket(*p.Bucket, "t", &out)
	if err != nil {
		return out, err
	}
	n := len(p.Dimensions)
	var c chain
	begins, returns := s.flag(p.Cohort), s.flag(p.Returning)
	c.add("r", s.subjects(p.Rows, p.Subject, append([]string{begins + " a", returns + " b"}, s.dimensions(p.Dimensions)...), begins+" OR "+returns))
	c.add("p", fmt.Sprintf("SELECT s, %s k, min(t) FILTER (WHERE a) a0, max(t) FILTER (WHERE b) b1%s\nFROM r GROUP BY s, k",
		key, joined(each(n, "struct_extract(min(struct_pack(t := t, d := d#)) FILTER (WHERE a), 'd') d#"))))
	dimensions := joined(each(n, "d#"))
	if p.Recurring {
		c.add("c", "SELECT s, k, a0"+dimensions+" FROM p WHERE a0 IS NOT NULL")
	} else {
		fields := append([]string{"k := k", "a0 := a0"}, each(n, "d# := d#")...)
		c.add("c", fmt.Sprintf("SELECT s, m.k k, m.a0 a0%s\nFROM (SELECT s, arg_min(struct_pack(%s), a0) m FROM p WHERE a0 IS NOT NULL GROUP BY s)",
			joined(each(n, "m.d# d#")), strings.Join(fields, ", ")))
	}
	c.add("sizes", fmt.Sprintf("SELECT k%s, %d period, count(*) n FROM c GROUP BY %s", dimensions, query.CohortSize, sqltext.Places(n+2)))
	c.add("returns", fmt.Sprintf("SELECT c.k%s, p.k - c.k period, count(*) n\nFROM c JOIN p ON c.s = p.s AND p.k - c.k BETWEEN 0 AND %d AND (p.k > c.k AND p.b1 IS NOT NULL OR p.b1 > c.a0)\nGROUP BY %s",
		joined(each(n, "c.d#")), p.Periods, sqltext.Places(n+2)))
	order := make([]query.Sort, n+2)
	for i := range order {
		order[i].Column = i
	}
	out.sql = c.end("SELECT * FROM sizes UNION ALL SELECT * FROM returns" + sqltext.Sorted(order, p.Limit))
	return out, nil
}
