// Command lambda is the function worker as AWS runs it: driven by the queue and, lest
// anything be left lying, by the clock.
package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tarnhq/tarn/functions/worker"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/serve"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	w := &job.Worker{
		Jobs:    job.Jobs{Table: account.Table(config.Table.Value()), Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
		Runners: map[job.Kind]job.Runner{},
		Random:  rand.IntN,
		Log:     serve.Logger(),
		Beats:   worker.Beats,
	}
	serve.Hints(w.Work)
}
