package job

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// candidates are how many jobs of a tenant a worker looks at when others take the
// first ones from under its hands.
const candidates = 10

// pick claims the next job: of the next tenant, in a circle, that has one which is due,
// the first in line. It returns false when there is none.
func (w *Worker) pick(ctx context.Context) (Job, bool, error) {
	for range collisions {
		j, ok, beaten, err := w.round(ctx)
		if err != nil || ok || !beaten {
			return j, ok, err
		}
	}
	return Job{}, false, nil // others take them all; they will find the rest too
}

// round goes round the circle once. It tells whether others were faster somewhere.
func (w *Worker) round(ctx context.Context) (j Job, ok, beaten bool, err error) {
	visited := map[tenant.ID]bool{}
	for {
		t, mark, err := w.turn(ctx)
		if err != nil || t == "" || visited[t] {
			return Job{}, false, beaten, err
		}
		visited[t], w.last = true, t
		j, ok, lost, err := w.first(ctx, t, mark)
		if err != nil || ok {
			return j, ok, false, err
		}
		beaten = beaten || lost
	}
}

// turn returns the tenant whose turn it is, empty when nobody has a job that is due.
func (w *Worker) turn(ctx context.Context) (tenant.ID, string, error) {
	if w.last == "" {
		return w.anywhere(ctx)
	}
	q := table.Query{Partition: ring, From: string(w.last) + "\x00", Limit: 1}
	page, err := w.Jobs.Table.List(ctx, q)
	if err == nil && len(page.Items) == 0 {
		q.From = ""
		page, err = w.Jobs.Table.List(ctx, q)
	}
	if err != nil || len(page.Items) == 0 {
		return "", "", err
	}
	return tenant.ID(page.Items[0].Key.Sort), page.Items[0].Attributes["mark"], nil
}

// anywhere begins the circle, lest all workers that start begin with the same tenant.
func (w *Worker) anywhere(ctx context.Context) (tenant.ID, string, error) {
	page, err := w.Jobs.Table.List(ctx, table.Query{Partition: ring})
	if err != nil || len(page.Items) == 0 {
		return "", "", err
	}
	item := page.Items[w.Random(len(page.Items))]
	return tenant.ID(item.Key.Sort), item.Attributes["mark"], nil
}

// first claims the first job in a tenant's line; beaten tells that there are some and
// others were faster. A tenant without any is taken out of the circle, unless a job has
// come since the mark was read.
func (w *Worker) first(ctx context.Context, t tenant.ID, mark string) (j Job, ok, beaten bool, err error) {
	page, err := w.Jobs.Table.List(ctx, table.Query{Partition: partition(t), Prefix: line, Limit: candidates})
	if err != nil {
		return Job{}, false, false, err
	}
	for _, item := range page.Items {
		j, err := w.claim(ctx, t, idOf(item.Key.Sort))
		switch {
		case err == nil:
			return j, true, false, nil
		case !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound):
			return Job{}, false, false, err
		}
	}
	if len(page.Items) > 0 {
		return Job{}, false, true, nil
	}
	err = w.Jobs.Table.Commit(ctx, table.Delete(ringKey(t)).If(table.Equal("mark", mark)))
	if fault.Is(err, fault.Conflict) {
		err = nil
	}
	return Job{}, false, false, err
}

// claim takes a job that is due. It fails with fault.Conflict when somebody was faster.
func (w *Worker) claim(ctx context.Context, t tenant.ID, id ID) (Job, error) {
	j, err := w.Jobs.Get(ctx, t, id)
	if err != nil {
		return Job{}, err
	}
	if j.State != Queued || !j.Due.IsZero() {
		return Job{}, fault.New(fault.Conflict, "job_taken", "job %s is not in line any more", id)
	}
	return w.Jobs.change(ctx, j, j.claimed(w.Jobs.newID(), w.Jobs.now(), w.lease()))
}

// tend looks at the jobs whose time has come: those that wait for another try get in
// line, and those of workers that are taken for dead are taken from them.
func (w *Worker) tend(ctx context.Context) error {
	now := w.Jobs.now()
	page, err := w.Jobs.Table.List(ctx, table.Query{Partition: clock, Limit: 100})
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		at, t, id, err := parseClock(item.Key.Sort)
		if err != nil {
			return err
		}
		if at.After(now) {
			return nil
		}
		err = w.wake(ctx, t, id, now)
		if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// wake moves on a job whose time has come.
func (w *Worker) wake(ctx context.Context, t tenant.ID, id ID, now time.Time) error {
	j, err := w.Jobs.load(ctx, t, id)
	if err != nil {
		return err
	}
	var next Job
	var more []table.Write
	switch {
	case j.State == Queued && !j.Due.IsZero() && !j.Due.After(now):
		next, more = j.ready(), []table.Write{w.Jobs.rings(t)}
	case j.State == Running && !j.Lease.After(now):
		next = j.vanished(now)
		if more, err = w.Jobs.append(ctx, j, []Line{newLine(now, "the worker of run %d was not heard of any more", j.Runs)}); err != nil {
			return err
		}
		more = append(more, w.Jobs.rings(t))
	default:
		return nil // somebody else has looked at it
	}
	if next, err = w.Jobs.change(ctx, j, next, more...); err == nil && next.State == Queued {
		w.Jobs.hint(ctx, 0)
	}
	return err
}

// parseClock reads the sort key of an entry of the clock.
func parseClock(sort string) (time.Time, tenant.ID, ID, error) {
	parts := strings.Split(sort, "#")
	if len(parts) != 3 {
		return time.Time{}, "", "", fmt.Errorf("the clock's entry %q", sort)
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return time.Time{}, "", "", fmt.Errorf("the clock's entry %q: %w", sort, err)
	}
	return time.UnixMicro(micros).UTC(), tenant.ID(parts[1]), ID(parts[2]), nil
}
