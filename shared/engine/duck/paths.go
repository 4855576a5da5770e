package duck

import (
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/query"
)

// routes writes paths: q knows the value before each row, z the ones
// that follow in the direction of the path.
func (s sources) routes(p query.PathsPlan) (statement, error) {
	var out statement
	n := len(p.Dimensions)
	order := "(PARTITION BY s ORDER BY t, v" + joined(each(n, "d# NULLS LAST")) + ")"
	value := s.alias(p.Of)
	var c chain
	c.add("r", s.subjects(p.Rows, p.Subject, append([]string{value + " v"}, s.dimensions(p.Dimensions)...), value+" IS NOT NULL"))
	from := "r"
	if p.Collapse {
		c.add("q", "SELECT *, lag(v) OVER "+order+" p FROM r")
		from = "(SELECT * FROM q WHERE p IS NULL OR p <> v)"
	}
	onward, backward := "lead", "lag"
	if p.Before {
		onward, backward = backward, onward
	}
	var following []string
	for i := range p.Depth {
		following = append(following, fmt.Sprintf("%s(v, %d) OVER %s v%d", onward, i+1, order, i+1))
	}
	following = append(following, fmt.Sprintf("%s(v) OVER %s w", backward, order))
	c.add("z", "SELECT *, "+strings.Join(following, ", ")+"\nFROM "+from)
	keys, err := s.followedKeys(p.Keys, "t", each(n, "d#"), &out)
	if err != nil {
		return out, err
	}
	columns := append(keys, "v")
	for i := range p.Depth {
		columns = append(columns, fmt.Sprintf("v%d", i+1))
	}
	begins := "w IS NULL"
	if p.Start != nil {
		begins = "v = " + literal(*p.Start, p.Of.Type)
	}
	out.sql = c.end(fmt.Sprintf("SELECT %s, count(*), count(DISTINCT s)\nFROM z WHERE %s", strings.Join(columns, ", "), begins) + grouped(len(columns), p.Order, p.Limit))
	return out, nil
}
