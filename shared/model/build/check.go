package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// test holds a result against the tests of its model, as it would be.
func (w *build) test(ctx context.Context, after manifest.State) error {
	over := snapshot.OfState(w.dataset, after)
	for _, c := range w.model.Columns {
		for _, t := range c.Tests {
			if err := w.claim(ctx, over, c.Name+" "+t.String(), countOf(w.model.Name, c.Name, t)); err != nil {
				return err
			}
		}
	}
	for _, q := range w.model.Queries {
		if err := w.claim(ctx, over, q.Name, "SELECT count(*) FROM ("+q.SQL+"\n) AS q"); err != nil {
			return err
		}
	}
	return nil
}

// claim asks how many rows contradict a test.
func (w *build) claim(ctx context.Context, over snapshot.Snapshot, name, text string) error {
	instead := map[dataset.Name]snapshot.Snapshot{w.model.Name: over}
	got, err := w.SQL.Run(ctx, w.statement(text, nil, instead))
	if err != nil {
		return fmt.Errorf("test %q: %w", name, err)
	}
	if n := got.Rows[0][0].Int(); n > 0 {
		return fault.New(fault.Invalid, "test_failed", "test %q of model %q: %d rows contradict it", name, w.model.Name, n).
			WithHint("the result is as it was before; mend the model, or what it reads")
	}
	return nil
}

// countOf writes the SQL that counts what contradicts a test of a column.
func countOf(name dataset.Name, column string, t model.Test) string {
	c, from := quoted(column), " FROM "+quoted(string(name))
	switch {
	case t.NotNull:
		return "SELECT count(*)" + from + " WHERE " + c + " IS NULL"
	case t.Unique:
		return "SELECT count(*) FROM (SELECT " + c + from + " WHERE " + c + " IS NOT NULL GROUP BY " + c + " HAVING count(*) > 1) AS q"
	case t.Related != nil:
		return fmt.Sprintf("SELECT count(*)%s AS a WHERE a.%s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s AS b WHERE CAST(b.%s AS VARCHAR) = CAST(a.%[2]s AS VARCHAR))",
			from, c, quoted(string(t.Related.To)), quoted(t.Related.Field))
	}
	values := make([]string, len(t.Accepted))
	for i, v := range t.Accepted {
		values[i] = "'" + strings.ReplaceAll(fmt.Sprint(v), "'", "''") + "'"
	}
	return fmt.Sprintf("SELECT count(*)%s WHERE %s IS NOT NULL AND CAST(%[2]s AS VARCHAR) NOT IN (%s)", from, c, strings.Join(values, ", "))
}
