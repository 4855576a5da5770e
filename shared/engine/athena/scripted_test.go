package athena_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/athena"
	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// scripted is a service whose executions do what a test says, and the time that
// passes meanwhile.
type scripted struct {
	now   time.Time
	lives []execution.Execution // of the executions in turn; the last one of all others
	after map[execution.ID]time.Time
	turns []string

	statements []string
	stopped    []execution.ID
	gone       int // answers that are not kept
	rows       [][]*string
	fails      error
}

func (s *scripted) Start(_ context.Context, statement, turn string) (execution.ID, error) {
	s.statements = append(s.statements, statement)
	if s.fails != nil {
		return "", s.fails
	}
	if !slices.Contains(s.turns, turn) {
		s.turns = append(s.turns, turn)
	}
	return execution.ID(fmt.Sprint(slices.Index(s.turns, turn))), nil
}

func (s *scripted) Look(_ context.Context, id execution.ID) (execution.Execution, error) {
	if until, ok := s.after[id]; ok && s.now.Before(until) {
		return execution.Execution{State: execution.Running}, nil
	}
	var n int
	_, err := fmt.Sscan(string(id), &n)
	return s.lives[min(n, len(s.lives)-1)], err
}

func (s *scripted) Fetch(context.Context, execution.ID, string) (execution.Page, error) {
	if s.gone > 0 {
		s.gone--
		return execution.Page{}, fault.New(fault.NotFound, "gone", "gone")
	}
	return execution.Page{Rows: s.rows}, nil
}

func (s *scripted) Stop(ctx context.Context, id execution.ID) error {
	s.stopped = append(s.stopped, id)
	return ctx.Err()
}

func (s *scripted) wait(ctx context.Context, d time.Duration) error {
	s.now = s.now.Add(d)
	return ctx.Err()
}

// table is a published table of some files.
type table []string

func (keys table) Shown(context.Context, tenant.ID, dataset.Dataset, time.Time) (shown.Table, error) {
	t := shown.Table{Namespace: "lake", Name: "web", Snapshot: 1, Root: "s3://bucket/", Columns: map[int32]string{}}
	for place, c := range dataset.Fixed {
		t.Columns[segment.FieldID(place, c.Type)] = c.Name
	}
	for _, key := range keys {
		t.Files = append(t.Files, shown.File{Key: key, MinTime: 0, MaxTime: 9})
	}
	return t, nil
}

// here is an engine whose answer to anything is one row.
type here struct {
	asked []snapshot.Snapshot
	rows  [][]query.Value
	stats query.Stats
}

func (h *here) Run(_ context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	h.asked = append(h.asked, over)
	return query.Result{Columns: plan.Columns(), Rows: h.rows, Version: over.Version, Stats: h.stats}, nil
}

func refs(names ...string) (all []segment.Ref) {
	for _, name := range names {
		all = append(all, segment.Ref{Key: "t/acme/d/web/rows/" + name, Rows: 10, Bytes: 100, MinTime: 0, MaxTime: 9, Days: []segment.Day{0}, Merged: true})
	}
	return all
}

func keys(refs []segment.Ref) (all table) {
	for _, ref := range refs {
		all = append(all, ref.Key)
	}
	return all
}

func over(segments []segment.Ref) snapshot.Snapshot {
	return snapshot.Snapshot{Dataset: dataset.Dataset{ID: "web", Kind: dataset.Events}, Version: 3, Segments: segments, Release: func() {}}
}

var counting = query.AggregatePlan{Rows: query.Rows{Range: query.Unbounded}, Measures: []query.Aggregand{{Name: "users", Op: query.Count, Field: &query.Field{Name: "user_id", Type: dataset.Text}}}, Limit: 1}

func numbers(n string) [][]*string { return [][]*string{{&n}} }

// asking is an engine that puts what scans more than 15 rows to a scripted service.
func asking(s *scripted, inner *here, published athena.Lake) *athena.Engine {
	if s.now.IsZero() {
		s.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if s.rows == nil {
		s.rows = numbers("20")
	}
	return athena.New(athena.Config{Inner: inner, Lake: published, Service: s, Rows: 15, Wait: s.wait, Now: func() time.Time { return s.now }})
}

func wantCode(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code || f.Hint == "" {
		t.Errorf("%v, want %v %s with a hint", err, kind, code)
	}
}

var done = execution.Execution{State: execution.Done, Scanned: 5}
