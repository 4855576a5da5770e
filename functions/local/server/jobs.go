package server

import (
	"context"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/tarnhq/tarn/functions/worker"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/queue"
	"github.com/tarnhq/tarn/shared/route"
)

const (
	jobsEvery = 5 * time.Second        // without a hint
	watchPoll = 250 * time.Millisecond // of whoever follows a job
)

// hints is the queue that tells the workers of jobs.
func (s *Server) hints() queue.Queue { return s.store.Queue("jobs", route.Work.Tries) }

// work does jobs until ctx ends, some at a time: half the processors', and never one
// alone, which a long job would hold up.
func (s *Server) work(ctx context.Context) {
	for range max(2, runtime.GOMAXPROCS(0)/2) {
		w := &job.Worker{Jobs: s.jobs, Runners: s.runners(), Random: rand.IntN, Log: s.options.Log, Beats: worker.Beats}
		s.running.Go(func() { worker.Follow(ctx, w, s.hints(), jobsEvery, s.options.Log) })
	}
}

// runners are the kinds of jobs there are.
func (s *Server) runners() map[job.Kind]job.Runner {
	return map[job.Kind]job.Runner{}
}
