// Command lambda is the function collector as AWS runs it: driven by the events of the bucket
// that files are dropped into and, lest one be lost, by the clock.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/collector"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/drop"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/snapshot"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, bucket := account.Table(config.Table.Value()), config.Bucket.Value()
	c := drop.Collector{
		Folder:  account.Drops(config.Drops.Value(), bucket),
		Catalog: dataset.Catalog{Table: table, Now: time.Now},
		Files:   file.Store{Table: table, Blobs: account.Blob(bucket), Now: time.Now},
		Jobs:    job.Jobs{Table: table, Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
		Log:     serve.Logger(),
	}
	wait := snapshot.Every(5 * time.Second)
	serve.Hints(func(ctx context.Context) (int, error) { return collector.Until(ctx, c, wait) })
}
