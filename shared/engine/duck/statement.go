package duck

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// statement is a plan as SQL. Where there are buckets, the first column holds their
// keys.
type statement struct {
	sql     string
	buckets *calendar.Buckets
}

// sources are the files and tables that hold a snapshot's rows, and the fields that
// a statement reads of them.
type sources struct {
	fields
	sealed selection
	paths  []string // of the sealed
	tail   []part

	settled   settled
	audiences []query.AudiencePlan // that the plan's conditions name
}

// statementOf writes a plan over sources.
func statementOf(p query.Plan, s sources) (statement, error) {
	s.audiences = audiencesOf(p)
	out, err := s.write(p)
	out.sql = s.withAudiences(out.sql)
	return out, err
}

func (s sources) write(p query.Plan) (statement, error) {
	switch p := p.(type) {
	case query.AggregatePlan:
		return s.aggregate(p)
	case query.TrailPlan:
		return s.trails(p)
	case query.AudiencePlan:
		return s.audience(p), nil
	}
	return statement{}, fmt.Errorf("a plan of kind %q cannot be run", p.Kind())
}

func (s sources) aggregate(p query.AggregatePlan) (statement, error) {
	var out statement
	keys, groups, err := s.keys(p.Keys, &out)
	if err != nil {
		return out, err
	}
	columns := keys
	for _, m := range p.Measures {
		columns = append(columns, s.measure(m))
	}
	var sql strings.Builder
	fmt.Fprintf(&sql, "SELECT %s\nFROM %s", strings.Join(columns, ", "), s.rows(p.Rows))
	if len(keys) > 0 {
		fmt.Fprintf(&sql, "\nGROUP BY %s%s", strings.Join(groups, ", "), s.sorted(p))
	}
	out.sql = sql.String()
	return out, nil
}

// sorted writes the order of groups. Where a column comes first, whether it is null comes
// before it, as it does anyway: of a bare column DuckDB tells the scan how far the first
// groups go, which is known when the scan has ended, and a scan that may be told compares
// texts row by row instead of each entry of a dictionary once.
func (s sources) sorted(p query.AggregatePlan) string {
	at := p.Order[0].Column
	if p.Bucket != nil {
		at--
	}
	if at < 0 || at >= len(p.Dimensions) || p.Dimensions[at].Via != "" {
		return sqltext.Sorted(p.Order, p.Limit)
	}
	return sqltext.Sorted(p.Order, p.Limit, s.alias(p.Dimensions[at].Field)+" IS NULL")
}

// keys writes the keys of groups, and what rows are grouped by for them.
func (s sources) keys(k query.Keys, out *statement) (columns, groups []string, err error) {
	if k.Bucket != nil {
		key, err := s.bucket(*k.Bucket, s.alias(momentField), out)
		if err != nil {
			return nil, nil, err
		}
		columns, groups = append(columns, key.String()), append(groups, key.group)
	}
	for _, d := range k.Dimensions {
		columns = append(columns, via(d.Via, s.alias(d.Field)))
		groups = append(groups, strconv.Itoa(len(columns)))
	}
	return columns, groups, nil
}

// bucket writes the key of a time's bucket, which the answer's first column is.
func (s sources) bucket(b query.Bucket, column string, out *statement) (keySQL, error) {
	buckets, err := bucketsIn(b)
	if err != nil {
		return keySQL{}, err
	}
	out.buckets = &buckets
	return bucketKey(*out.buckets, daysOf(s.sealed, s.tail), column), nil
}

// rows writes the rows that a plan looks at, as what follows FROM.
func (s sources) rows(r query.Rows) string {
	all, some := s.where(r)
	sql := "(" + s.marked(r.Range, some) + ") r"
	if r.Filter != nil {
		sql += "\nWHERE " + s.conjunction(all)
	}
	return sql
}

// relation writes the rows of all sources in a range as one table of the fields, without
// those that do not meet some conditions.
func (s sources) relation(r query.Range, some []conjunct) string {
	var scans []string
	sealed, paths := s.sealed.of(r, s.paths)
	for _, t := range s.remainders(sealed, paths, some) {
		for _, g := range t.groups(s.fields, t.paths) {
			scans = append(scans, s.filtered(g.scan(s.fields, r), t.conditions))
		}
	}
	for _, part := range s.tail {
		scans = append(scans, s.filtered(part.scan(s.fields, r), some))
	}
	if len(scans) == 0 {
		scans = append(scans, nothing(s.fields))
	}
	return strings.Join(scans, "\nUNION ALL ")
}

// nothing writes an empty table of the fields.
func nothing(f fields) string {
	nulls := make([]string, len(f))
	for i, field := range f {
		nulls[i] = "CAST(NULL AS " + sqlTypes[field.Type] + ")"
	}
	return "SELECT " + selected(f, nulls) + " WHERE false"
}
