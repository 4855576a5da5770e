// Command lambda is the function compactor as AWS runs it: driven by the clock.
package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tarnhq/tarn/functions/compactor"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/retention"
	"github.com/tarnhq/tarn/shared/serve"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	log := serve.Logger()
	store := manifest.Store{Table: table, Blobs: blobs, Now: time.Now}
	c := compactor.Compactor{
		Catalog: dataset.Catalog{Table: table, Now: time.Now},
		Compact: compact.Compactor{Manifest: store, Policy: compact.DefaultPolicy, Now: time.Now},
		Keep:    retention.Keeper{Manifest: store, Now: time.Now},
		Shuffle: rand.Shuffle,
	}
	lambda.Start(func(ctx context.Context) (compactor.Report, error) {
		report, err := c.Run(ctx)
		log.InfoContext(ctx, "compact", "report", report) // the clock drops what is returned
		return report, err
	})
}
