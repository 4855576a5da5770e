package duck

import (
	"context"
	"fmt"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

var _ engine.Reader = (*Engine)(nil)

// place is the column of a file that counts its rows.
const place = "file_row_number"

// Read implements engine.Reader. DuckDB gathers what it hands on, so that who asks for
// fewer rows at a time needs less memory.
func (e *Engine) Read(ctx context.Context, plan query.RowsPlan, from segment.Ref, begin, end int64, each engine.Each) error {
	pruned := prune([]segment.Ref{from}, plan.Range)
	if len(pruned.refs) == 0 {
		return nil
	}
	needed := readFields(plan)
	paths, release, err := e.config.Files.Open(ctx, pruned.wants(needed))
	if err != nil {
		return err
	}
	defer release()
	return e.faulty(ctx, e.hand(ctx, statement{sql: readStatement(plan, needed, from, paths[0], begin, end)}, plan.Columns(), each))
}

// readFields lists what a plan for rows reads of them.
func readFields(plan query.RowsPlan) (f fields) {
	for _, g := range plan.Fields {
		f.add(g.Field)
	}
	f.addFilter(plan.Filter)
	return f
}

// readStatement writes the rows of a file from one place to before another.
func readStatement(plan query.RowsPlan, f fields, ref segment.Ref, path string, begin, end int64) string {
	inFile := make([]string, len(f))
	for i, field := range f {
		inFile[i] = fileColumn(ref, field)
	}
	columns := make([]string, len(plan.Fields))
	for i, g := range plan.Fields {
		columns[i] = f.alias(g.Field)
	}
	sql := fmt.Sprintf("SELECT %s\nFROM (SELECT %s, %s AS place FROM read_parquet([%s], %s = true)%s) r\nWHERE place >= %d AND place < %d",
		selectedAs(columns), selected(f, inFile), place, sqltext.Literal(path), place, rangeOf(timeColumn(ref), plan.Range, timestamp), begin, end)
	if plan.Filter != nil {
		sql += " AND (" + f.condition(*plan.Filter) + ")"
	}
	return sql + "\nORDER BY place"
}

// selectedAs lists expressions, of which some may be the same.
func selectedAs(columns []string) (list string) {
	for i, c := range columns {
		if i > 0 {
			list += ", "
		}
		list += fmt.Sprintf("%s AS o%d", c, i)
	}
	return list
}

// Stream implements engine.Reader. The answer is in DuckDB's memory while it is handed
// on.
func (e *Engine) Stream(ctx context.Context, plan query.Plan, over snapshot.Snapshot, each engine.Each) error {
	if p, ok := plan.(query.Follower); ok {
		return e.streamFollowed(ctx, p, over, each)
	}
	from, release, err := e.open(ctx, plan, prune(over.Segments, rangeOfPlan(plan, audiencesOf(plan))), over)
	if err != nil {
		return e.faultOf(ctx, err)
	}
	defer release()
	s, err := statementOf(plan, from)
	if err != nil {
		return err
	}
	return e.faulty(ctx, e.hand(ctx, s, plan.Columns(), each))
}

// streamFollowed hands on what follows subjects, which is made here and not in DuckDB.
func (e *Engine) streamFollowed(ctx context.Context, plan query.Follower, over snapshot.Snapshot, each engine.Each) error {
	result, err := e.follow(ctx, plan, over)
	if err != nil {
		return e.faultOf(ctx, err)
	}
	for _, row := range result.Rows {
		if err := each(row); err != nil {
			return err
		}
	}
	return nil
}

// hand runs a statement and hands its rows on.
func (e *Engine) hand(ctx context.Context, s statement, columns []query.Column, each engine.Each) error {
	rows, err := e.db.QueryContext(ctx, s.sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	scanned, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range scanned {
		places[i] = &scanned[i]
	}
	starts, row := map[int64]query.Value{}, make([]query.Value, len(columns))
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		for i, v := range scanned {
			if row[i], err = valueOf(v, columns[i].Type); err != nil {
				return err
			}
		}
		if s.buckets != nil && !row[0].IsNull() {
			row[0] = bucketStart(s, starts, row[0].Int())
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (e *Engine) faulty(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return e.faultOf(ctx, err)
}
