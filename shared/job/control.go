package job

import (
	"context"
	"encoding/json"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// collisions is how often a change is tried against others of the same job.
const collisions = 8

// Cancel ends a job that has not ended. What a worker does for it from then on has no
// effect. A cancelled job stays so; one that has ended otherwise is fault.Conflict.
func (s Jobs) Cancel(ctx context.Context, t tenant.ID, id ID) (Job, error) {
	return s.decide(ctx, t, id, func(j Job) (Job, bool, error) {
		switch {
		case j.State == Cancelled:
			return j, false, nil
		case j.State.Ended():
			return j, false, fault.New(fault.Conflict, "job_ended", "the job is %s", j.State)
		}
		return j.ended(Cancelled, s.now()), true, nil
	})
}

// Retry puts a job that failed or was cancelled back in line; it goes on from its last
// checkpoint. One that is in line or running stays as it is; one that is done is
// fault.Conflict.
func (s Jobs) Retry(ctx context.Context, t tenant.ID, id ID) (Job, error) {
	j, err := s.decide(ctx, t, id, func(j Job) (Job, bool, error) {
		switch j.State {
		case Failed, Cancelled:
			if j.Private {
				return j, false, fault.New(fault.Conflict, "job_forgotten", "what the job was to do is forgotten").WithHint("submit another one")
			}
			return j.tryAgain(s.now()), true, nil
		case Done:
			return j, false, fault.New(fault.Conflict, "job_done", "the job is done").WithHint("submit another one")
		}
		return j, false, nil
	})
	if err == nil {
		s.hint(ctx, 0)
	}
	return j, err
}

// Redact forgets what a tenant's ended jobs were to do, where a test holds of the text of
// it, and returns how many jobs that were. None of them can be tried again.
func (s Jobs) Redact(ctx context.Context, t tenant.ID, match func(text []byte) bool) (redacted int, err error) {
	for next := ""; ; {
		page, more, err := s.List(ctx, t, "", next, 0)
		if err != nil {
			return redacted, err
		}
		for _, one := range page {
			hit := false
			_, err := s.decide(ctx, t, one.ID, func(j Job) (Job, bool, error) {
				hit = j.State.Ended() && (match(j.Request) || match(j.Pinned))
				j.Private = j.Private || hit
				return j, hit, nil
			})
			switch {
			case err != nil && !fault.Is(err, fault.NotFound): // it has expired since
				return redacted, err
			case hit:
				redacted++
			}
		}
		if next = more; next == "" {
			return redacted, nil
		}
	}
}

// Restate replaces what a job is to do, from its next run on: its Runner needs no more of
// it than that.
func (s Jobs) Restate(ctx context.Context, j Job, request json.RawMessage) error {
	j.Request = request
	return s.Table.Commit(ctx, table.Put(j.requestItem()))
}

// decide changes a job as the function says of its newest state.
func (s Jobs) decide(ctx context.Context, t tenant.ID, id ID, what func(Job) (next Job, changed bool, err error)) (Job, error) {
	for range collisions {
		j, err := s.Get(ctx, t, id)
		if err != nil {
			return Job{}, err
		}
		next, changed, err := what(j)
		if err != nil || !changed {
			return next, err
		}
		next, err = s.change(ctx, j, next, s.beside(j, next)...)
		if !fault.Is(err, fault.Conflict) {
			return next, err
		}
	}
	return Job{}, fault.New(fault.Unavailable, "job_busy", "the job changes all the time").WithHint("try again in a moment")
}

// beside returns what is written with a job that somebody has decided about.
func (s Jobs) beside(was, next Job) []table.Write {
	if next.State != Queued {
		return nil
	}
	writes := []table.Write{s.rings(next.Tenant), table.Put(next.requestItem())}
	if next.key != "" && !was.Expires.Equal(next.Expires) {
		writes = append(writes, table.Put(next.keyItem()))
	}
	return writes
}
