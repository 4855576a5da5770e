package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/load/measure"
)

// report prints the tables. Jobs that were lost, or done twice, are an error.
func report(ctx context.Context, jobs job.Jobs, o options, l *ledger, submitted, took, cpu time.Duration) error {
	lost, retried, err := missing(ctx, jobs, o)
	if err != nil {
		return err
	}
	n := o.large + o.small
	per := func(d time.Duration) string { return fmt.Sprintf("%.0f/s", float64(n)/d.Seconds()) }
	measure.Table(fmt.Sprintf("%d jobs, %d workers, each job a checkpoint and a result", n, o.workers), []string{"what", "took", "rate"},
		[]string{"submitted, with an idempotency key each", measure.Millis(submitted), per(submitted)},
		[]string{"done", measure.Millis(took), per(took)},
		[]string{"processor time of both", measure.Millis(cpu), fmt.Sprintf("%.2f ms a job", cpu.Seconds()*1000/float64(n))})
	measure.Table("Effects", []string{"jobs", "number"},
		[]string{"lost", fmt.Sprint(lost)}, []string{"done twice to effect", fmt.Sprint(l.twice())}, []string{"that failed once and were tried again", fmt.Sprint(retried)})
	measure.Table("When a tenant's last job was done", []string{"tenant", "jobs", "as number", "of the whole time"},
		line(large, o.large, n, l, took), line(small, o.small, n, l, took))
	if lost > 0 || l.twice() > 0 {
		return fmt.Errorf("%d jobs lost, %d done twice", lost, l.twice())
	}
	return nil
}

func line(t tenant.ID, jobs, all int, l *ledger, took time.Duration) []string {
	m := l.last[t]
	return []string{string(t), fmt.Sprint(jobs), fmt.Sprintf("%d of %d", m.place, all), fmt.Sprintf("%.1f%%", 100*m.after.Seconds()/took.Seconds())}
}

// missing counts the jobs that are not done, or not there, and those that took more
// than one run.
func missing(ctx context.Context, jobs job.Jobs, o options) (lost, retried int, err error) {
	for t, want := range map[tenant.ID]int{large: o.large, small: o.small} {
		found := 0
		for next := ""; ; {
			page, more, err := jobs.List(ctx, t, "", next, 1000)
			if err != nil {
				return 0, 0, err
			}
			for _, j := range page {
				if j.State == job.Done {
					found++
				}
				if j.Runs > 1 {
					retried++
				}
			}
			if next = more; next == "" {
				break
			}
		}
		lost += want - found
	}
	return lost, retried, nil
}
