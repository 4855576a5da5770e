package duck

import (
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/query"
)

// sessions writes sessions: w marks the rows that begin one, v numbers the sessions
// of a subject, and x has one row for each. Rows of one instant are of one session.
func (s sources) sessions(p query.SessionsPlan) (statement, error) {
	var out statement
	const order = "(PARTITION BY s ORDER BY t)"
	var c chain
	c.add("r", s.subjects(p.Rows, p.Subject, s.dimensions(p.Dimensions), ""))
	c.add("w", fmt.Sprintf("SELECT *, CASE WHEN t - lag(t) OVER %s <= %d THEN 0 ELSE 1 END begins FROM r", order, p.Timeout))
	c.add("v", "SELECT *, sum(begins) OVER "+order+" id FROM w")
	var ends []string
	for i, d := range p.Dimensions {
		end := "min"
		if d.AtExit {
			end = "max"
		}
		ends = append(ends, fmt.Sprintf("struct_extract(%s(struct_pack(t := t, d := d%d)), 'd') d%d", end, i, i))
	}
	c.add("x", "SELECT s, id, min(t) t, max(t) - min(t) micros, count(*) n"+joined(ends)+"\nFROM v GROUP BY s, id")
	keys, err := s.followedKeys(p.Keys, "t", each(len(p.Dimensions), "d#"), &out)
	if err != nil {
		return out, err
	}
	columns := append(keys, "count(*)", "count(DISTINCT s)", "coalesce(sum(n), 0)", "count(*) FILTER (WHERE n = 1)",
		"count(*) FILTER (WHERE n = 1) / nullif(count(*), 0)", "avg(micros) / 1e6", "quantile_cont(micros, 0.5::DOUBLE) / 1e6")
	out.sql = c.end("SELECT " + strings.Join(columns, ", ") + "\nFROM x" + grouped(len(keys), p.Order, p.Limit))
	return out, nil
}
