package duck

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// statement is a plan as SQL. Where the plan has a bucket, the first column holds
// the keys of buckets.
type statement struct {
	sql     string
	buckets *calendar.Buckets
}

// statementOf writes a plan over segments' files and tail tables.
func statementOf(p query.Plan, f fields, s selection, paths []string, tail []part) (statement, error) {
	var out statement
	var columns []string
	if p.Bucket != nil {
		zone, err := time.LoadLocation(p.Bucket.Zone)
		if err != nil {
			return out, fmt.Errorf("plan: %w", err)
		}
		out.buckets = &calendar.Buckets{Grain: p.Bucket.Grain, Zone: zone, WeekStart: p.Bucket.WeekStart}
		columns = append(columns, bucketKey(*out.buckets, daysOf(s, tail), f.alias(timeField)))
	}
	for _, d := range p.Dimensions {
		columns = append(columns, f.alias(d.Field))
	}
	keys := len(columns)
	for _, m := range p.Measures {
		columns = append(columns, f.measure(m))
	}

	var sql strings.Builder
	fmt.Fprintf(&sql, "SELECT %s\nFROM (%s) r", strings.Join(columns, ", "), relation(p.Range, f, s, paths, tail))
	if p.Filter != nil {
		sql.WriteString("\nWHERE " + f.condition(*p.Filter))
	}
	if keys > 0 {
		places := make([]string, keys)
		for i := range places {
			places[i] = strconv.Itoa(i + 1)
		}
		fmt.Fprintf(&sql, "\nGROUP BY %s\nORDER BY %s", strings.Join(places, ", "), ordered(p.Order))
		fmt.Fprintf(&sql, "\nLIMIT %d", p.Limit+1) // one more tells that there are more
	}
	out.sql = sql.String()
	return out, nil
}

func ordered(order []query.Sort) string {
	list := make([]string, len(order))
	for i, o := range order {
		list[i] = strconv.Itoa(o.Column+1) + " ASC NULLS LAST"
		if o.Desc {
			list[i] = strconv.Itoa(o.Column+1) + " DESC NULLS LAST"
		}
	}
	return strings.Join(list, ", ")
}

// relation writes the rows of all sources as one table of the fields.
func relation(r query.Range, f fields, s selection, paths []string, tail []part) string {
	var scans []string
	for _, g := range s.groups(f, paths) {
		scans = append(scans, g.scan(f, r))
	}
	for _, part := range tail {
		scans = append(scans, part.scan(f, r))
	}
	if len(scans) == 0 {
		scans = append(scans, nothing(f))
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
