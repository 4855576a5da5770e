package sqlrun_test

import (
	"context"
	"fmt"
	"github.com/tarnhq/tarn/shared/engine"
	"slices"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/duck/ducktest"
	"github.com/tarnhq/tarn/shared/engine/enginetest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlrun"
)

// inSQL is an engine that has some plans answered as a caller's own SQL: those that
// are plain enough, and of these every few, because each starts a process.
type inSQL struct {
	*duck.Engine
	world         *world
	plain, answer int
}

const every = 2

// Run implements engine.Engine.
func (e *inSQL) Run(ctx context.Context, p query.Plan, over snapshot.Snapshot) (query.Result, error) {
	sql, ok := asSQL(p, over)
	if ok {
		e.plain++
	}
	if !ok || e.plain%every != 0 {
		return e.Engine.Run(ctx, p, over)
	}
	e.answer++
	over.Dataset.Name = "drawn"
	e.world.datasets["drawn"] = engine.Visible{Snapshot: over, View: query.Whole(over.Dataset.Kind, over.Schema)}
	r, err := e.world.ask(ctx, sql)
	if err != nil {
		return r, fmt.Errorf("%s: %w", sql, err)
	}
	if len(r.Rows) > p.MaxRows() {
		r.Rows, r.Stats.Truncated = r.Rows[:p.MaxRows()], true
	}
	return r, nil
}

// asSQL writes a plan as people would, if it has no filter and no buckets.
func asSQL(p query.Plan, over snapshot.Snapshot) (sql string, ok bool) {
	plan, ok := p.(query.AggregatePlan)
	if !ok || plan.Bucket != nil || plan.Filter != nil {
		return "", false
	}
	columns := over.Schema.Columns
	if over.Dataset.Kind == dataset.Events {
		columns = slices.Concat(dataset.Fixed, columns)
	} else if plan.Range != query.Unbounded {
		return "", false // a table's time may be absent
	}
	names := engine.ViewNames(columns)
	named := func(f query.Field) string {
		at := slices.IndexFunc(columns, func(c dataset.Column) bool { return c.Name == f.Name })
		ok = ok && at >= 0 && !f.InJSON
		return `"` + strings.ReplaceAll(names[max(0, at)], `"`, `""`) + `"`
	}
	var selected, groups, order []string
	for i, d := range plan.Dimensions {
		selected = append(selected, named(d.Field))
		groups = append(groups, fmt.Sprint(i+1))
	}
	for _, m := range plan.Measures {
		call, known := calls[m.Op]
		ok = ok && known && m.Filter == nil
		if m.Field == nil {
			call = "count(*)"
		} else if m.Field.Type == dataset.Float && (m.Op == query.Sum || m.Op == query.Avg) {
			call = "f" + call
		}
		if m.Field != nil {
			call = fmt.Sprintf(call, named(*m.Field))
		}
		selected = append(selected, call)
	}
	for _, o := range plan.Order {
		order = append(order, fmt.Sprintf("%d %s nulls last", o.Column+1, map[bool]string{true: "desc", false: "asc"}[o.Desc]))
	}
	sql = "select " + strings.Join(selected, ", ") + " from drawn where true"
	if plan.Range.From != query.Unbounded.From {
		sql += fmt.Sprintf(" and time >= make_timestamp(%d)", plan.Range.From)
	}
	if plan.Range.To != query.Unbounded.To {
		sql += fmt.Sprintf(" and time < make_timestamp(%d)", plan.Range.To)
	}
	if len(groups) > 0 {
		sql += " group by " + strings.Join(groups, ", ") + " order by " + strings.Join(order, ", ")
	}
	return fmt.Sprintf("%s limit %d", sql, plan.Limit+1), ok
}

var calls = map[query.Op]string{
	query.Count: "count(%s)", query.CountDistinct: "count(distinct %s)", query.Sum: "sum(%s)", query.Avg: "avg(%s)",
	query.Min: "min(%s)", query.Max: "max(%s)", query.Median: "median(%s)",
}

func TestSQLCountsWhatQueriesCount(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a process for each of hundreds of statements")
	}
	w := newWorld(t, sqlrun.Config{})
	e := &inSQL{Engine: ducktest.Open(t, w.store, duck.Config{}), world: w}
	enginetest.Run(t, w.store, e)
	if e.answer < 10 {
		t.Errorf("%d plans were answered in SQL", e.answer)
	}
	t.Logf("%d of %d plain plans were answered in SQL", e.answer, e.plain)
}
