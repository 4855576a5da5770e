package job_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/tenant"
)

// waiting is a job as the model of the line sees it.
type waiting struct {
	Tenant tenant.ID
	ID     job.ID
	turn   time.Time
}

// model is what the order of jobs should be, written slowly: of all tenants with jobs
// the next one in the alphabet after the last, and of its jobs the one whose turn is
// first.
type model struct {
	line []waiting
	last tenant.ID
}

func (m *model) next() (waiting, bool) {
	if len(m.line) == 0 {
		return waiting{}, false
	}
	var tenants []tenant.ID
	for _, j := range m.line {
		tenants = append(tenants, j.Tenant)
	}
	slices.Sort(tenants)
	turn := tenants[0]
	for _, t := range tenants {
		if t > m.last {
			turn = t
			break
		}
	}
	m.last = turn
	at := -1
	for i, j := range m.line {
		if j.Tenant == turn && (at < 0 || j.turn.Before(m.line[at].turn) || j.turn.Equal(m.line[at].turn) && j.ID < m.line[at].ID) {
			at = i
		}
	}
	out := m.line[at]
	m.line = slices.Delete(m.line, at, at+1)
	return out, true
}

func TestAWorkerTakesJobsInTheOrderOfTheModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		m := &model{}
		submit := func() {
			who := tenant.ID(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(r, "tenant"))
			priority := job.Priority(rapid.IntRange(-1, 1).Draw(r, "priority"))
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(r, "minutes")) * time.Minute)
			j, err := w.jobs.Submit(t.Context(), who, job.Spec{Kind: "test", Priority: priority})
			if err != nil {
				r.Fatal(err)
			}
			m.line = append(m.line, waiting{who, j.ID, j.Submitted.Add(-time.Duration(priority) * time.Hour)})
		}
		for range rapid.IntRange(1, 20).Draw(r, "at first") {
			submit()
		}
		w.do = func(_ context.Context, j job.Job, _ job.Checkpointer) (any, error) {
			want, _ := m.next()
			if diff := cmp.Diff([]any{want.Tenant, want.ID}, []any{j.Tenant, j.ID}); diff != "" {
				r.Errorf("the next job (-want +got):\n%s", diff)
			}
			for range rapid.IntRange(0, 1).Draw(r, "meanwhile") {
				if w.now.Before(time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)) {
					submit()
				}
			}
			return nil, nil
		}
		w.work()
		if len(m.line) > 0 {
			r.Errorf("%d jobs were not done", len(m.line))
		}
	})
}

func TestATenantWithManyJobsDoesNotHoldUpOneWithFew(t *testing.T) {
	w := newWorld(t)
	for n := range 990 {
		if _, err := w.jobs.Submit(t.Context(), "many", job.Spec{Kind: "test", Request: fmt.Appendf(nil, "%d", n)}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		if _, err := w.jobs.Submit(t.Context(), "few", job.Spec{Kind: "test", Request: fmt.Appendf(nil, "%d", n)}); err != nil {
			t.Fatal(err)
		}
	}
	runs, last := 0, 0
	w.do = func(_ context.Context, j job.Job, _ job.Checkpointer) (any, error) {
		if runs++; j.Tenant == "few" {
			last = runs
		}
		return nil, nil
	}
	w.work()
	if runs != 1000 || last > 20 {
		t.Errorf("the last job of the tenant with 10 was number %d of %d, want at most 20", last, runs)
	}
}
