package athena_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/tenant"
)

// history is a table that shows other files, in another snapshot, since each time.
type history []struct {
	since time.Time
	files table
}

func (h history) Shown(ctx context.Context, t tenant.ID, d dataset.Dataset, at time.Time) (shown.Table, error) {
	var out shown.Table
	for i, version := range h {
		if !at.Before(version.since) {
			out, _ = version.files.Shown(ctx, t, d, at)
			out.Snapshot = int64(i + 1)
		}
	}
	return out, nil
}

func TestAQuestionHasOneStatementAnHour(t *testing.T) {
	hour := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	all := refs("a", "b", "c")
	lake := history{{hour.Add(-time.Minute), keys(all[:2])}, {hour.Add(10 * time.Minute), keys(all)}}
	s := &scripted{lives: []execution.Execution{done}}
	e := asking(s, &here{rows: [][]query.Value{{query.IntValue(1)}}}, lake)
	for _, minutes := range []time.Duration{5, 15, 59, 61} {
		s.now = hour.Add(minutes * time.Minute)
		if _, err := e.Run(t.Context(), counting, over(all)); err != nil {
			t.Fatal(err)
		}
	}
	if s.statements[0] != s.statements[1] || s.statements[1] != s.statements[2] || s.statements[2] == s.statements[3] {
		t.Errorf("statements:\n%s", strings.Join(s.statements, "\n\n"))
	}
}

func TestTheNewestSnapshotIsAskedWhereAnOlderOneWillNotDo(t *testing.T) {
	hour := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	all := refs("a", "b", "c", "d")
	newest := func(files table) history {
		return history{{hour.Add(-time.Minute), keys(all[:1])}, {hour.Add(10 * time.Minute), files}}
	}
	ask := func(plan query.AggregatePlan, lake history) (*scripted, error) {
		s := &scripted{lives: []execution.Execution{done}, now: hour.Add(20 * time.Minute)}
		_, err := asking(s, &here{rows: [][]query.Value{{query.IntValue(1)}}}, lake).Run(t.Context(), plan, over(all))
		return s, err
	}
	if s, err := ask(counting, newest(keys(all[:3]))); err != nil || !strings.Contains(s.statements[0], "VERSION AS OF 2") {
		t.Errorf("too much came since: %v, %v", err, s.statements)
	}
	distinct := counting
	distinct.Measures = []query.Aggregand{{Name: "users", Op: query.CountDistinct, Field: counting.Measures[0].Field}}
	if s, err := ask(distinct, newest(keys(all))); err != nil || !strings.Contains(s.statements[0], "VERSION AS OF 2") {
		t.Errorf("nothing may have come since: %v, %v", err, s.statements)
	}
	_, err := ask(counting, newest(keys(all[:2])))
	wantCode(t, err, fault.Unavailable, "not_published")
}
