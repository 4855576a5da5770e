package duck

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
)

// members writes the subjects of an audience, with the dimensions of their first rows.
func (s sources) members(p query.AudiencePlan) string {
	who := s.alias(p.Subject)
	columns := []string{who + " s"}
	for i, d := range p.Dimensions {
		columns = append(columns, fmt.Sprintf("struct_extract(min(struct_pack(t := %s, d := %s)), 'd') d%d", s.alias(timeField), s.alias(d.Field), i))
	}
	sql := fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), s.rows(p.Rows))
	if p.Filter == nil {
		sql += "\nWHERE " + who + " IS NOT NULL"
	} else {
		sql += "\nAND " + who + " IS NOT NULL"
	}
	sql += "\nGROUP BY " + who
	if p.Where != nil {
		sql += "\nHAVING " + s.deed(*p.Where)
	}
	return sql
}

// deed writes what a subject must have done, over its rows.
func (s sources) deed(d query.Deed) string {
	switch d.Node {
	case query.NodeNot:
		return "(NOT " + s.deed(d.Args[0]) + ")"
	case query.NodeAnd, query.NodeOr:
		args := make([]string, len(d.Args))
		for i, a := range d.Args {
			args[i] = s.deed(a)
		}
		return "(" + strings.Join(args, " "+strings.ToUpper(string(d.Node))+" ") + ")"
	}
	times := "count(*) FILTER (WHERE " + s.condition(*d.Did) + ")"
	if d.AtMost > 0 {
		return fmt.Sprintf("(%s BETWEEN %d AND %d)", times, d.AtLeast, d.AtMost)
	}
	return fmt.Sprintf("(%s >= %d)", times, d.AtLeast)
}

func (s sources) audience(p query.AudiencePlan) statement {
	if p.List {
		return statement{sql: s.members(p) + sqltext.Sorted(p.Order, p.Limit)}
	}
	sql := "SELECT "
	for i := range p.Dimensions {
		sql += fmt.Sprintf("d%d, ", i)
	}
	sql += "count(*) FROM (" + s.members(p) + ")"
	if n := len(p.Dimensions); n > 0 {
		sql += "\nGROUP BY " + sqltext.Places(n) + sqltext.Sorted(p.Order, p.Limit)
	}
	return statement{sql: sql}
}

// audienceName names the table of an audience's subjects within a statement.
func audienceName(p query.AudiencePlan) string {
	hash := sha256.Sum256([]byte(query.Key(p)))
	return "audience_" + hex.EncodeToString(hash[:8])
}

// marked writes the rows of a range that meet some conditions with a column for each audience that the plan's
// conditions name: whether the row's subject is of it, null where it has none. (Nothing
// is in an empty set, says SQL, not even a null.)
func (s sources) marked(r query.Range, some []conjunct) string {
	relation := s.relation(r, some)
	if len(s.audiences) == 0 {
		return relation
	}
	var columns []string
	for _, p := range s.audiences {
		name := audienceName(p)
		columns = append(columns, fmt.Sprintf("CASE WHEN %[1]s IS NOT NULL THEN %[1]s IN (SELECT s FROM %[2]s) END AS %[2]s", s.alias(p.Subject), name))
	}
	return "SELECT *, " + strings.Join(columns, ", ") + "\nFROM (" + relation + ") r"
}

// withAudiences puts the audiences that conditions name before a statement.
func (s sources) withAudiences(sql string) string {
	if len(s.audiences) == 0 {
		return sql
	}
	var tables []string
	all := s.audiences
	s.audiences = nil // theirs name no others
	for _, p := range all {
		tables = append(tables, audienceName(p)+" AS MATERIALIZED (\n"+s.members(p)+")")
	}
	return "WITH " + strings.Join(tables, ",\n") + "\n" + sql
}
