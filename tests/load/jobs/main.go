// Command jobs puts jobs of two tenants, a large one and a small one, through the
// embedded store and its queue, and tells how fast they are done, whether each had one
// effect, and when the small tenant's last one was done.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tarnhq/tarn/functions/worker"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/load/measure"
)

const (
	large tenant.ID = "large"
	small tenant.ID = "small"
	kind  job.Kind  = "touch"
)

type options struct {
	large, small, workers, submitters int
	failing                           float64
}

func main() {
	var o options
	flag.IntVar(&o.large, "large", 9900, "jobs of the large tenant, which come first")
	flag.IntVar(&o.small, "small", 100, "jobs of the small tenant")
	flag.IntVar(&o.workers, "workers", 4, "workers")
	flag.IntVar(&o.submitters, "submitters", 16, "submissions at a time")
	flag.Float64Var(&o.failing, "failing", 0.02, "share of the runs that fail and are tried again")
	flag.Parse()
	measure.Fatal(run(context.Background(), o))
}

func run(ctx context.Context, o options) (err error) {
	folder, err := os.MkdirTemp("", "tarn-jobs-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	store, err := embedded.Open(folder, embedded.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ledger := &ledger{done: map[key]int{}}
	jobs := job.Jobs{Table: audited{store.Table(), ledger}, Queue: store.Queue("jobs", 5), Now: time.Now}

	cpu := processorTime()
	began := time.Now()
	if err := submit(ctx, jobs, o); err != nil {
		return err
	}
	submitted := time.Since(began)
	ledger.began, ledger.want = time.Now(), o.large+o.small
	all := ledger.ended()
	working, stop := context.WithCancel(ctx)
	var workers errgroup.Group
	for range o.workers {
		w := &job.Worker{Jobs: jobs, Runners: map[job.Kind]job.Runner{kind: touch{o.failing}}, Random: rand.IntN, Log: slog.New(slog.DiscardHandler), Beats: worker.Beats}
		workers.Go(func() error {
			worker.Follow(working, w, store.Queue("jobs", 5), 100*time.Millisecond, slog.Default())
			return nil
		})
	}
	<-all
	took, cpu := time.Since(ledger.began), processorTime()-cpu
	stop()
	if err := workers.Wait(); err != nil {
		return err
	}
	return report(ctx, jobs, o, ledger, submitted, took, cpu)
}

// submit puts the large tenant's jobs in line, and then the small one's.
func submit(ctx context.Context, jobs job.Jobs, o options) error {
	for _, of := range []struct {
		tenant tenant.ID
		jobs   int
	}{{large, o.large}, {small, o.small}} {
		var group errgroup.Group
		group.SetLimit(o.submitters)
		for n := range of.jobs {
			group.Go(func() error {
				_, err := jobs.Submit(ctx, of.tenant, job.Spec{Kind: kind, Key: fmt.Sprint(n), Request: fmt.Appendf(nil, `{"n":%d}`, n)})
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}
