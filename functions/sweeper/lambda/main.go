// Command lambda is the function sweeper as AWS runs it: driven by the clock.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tarnhq/tarn/functions/sweeper"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/serve"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	log := serve.Logger()
	sweep := sweeper.Sweeper{
		Catalog:  dataset.Catalog{Table: table, Now: time.Now},
		Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now},
		Now:      time.Now,
		Grace:    sweeper.Grace,
	}
	lambda.Start(func(ctx context.Context) (sweeper.Report, error) {
		report, err := sweep.Run(ctx)
		log.InfoContext(ctx, "sweep", "report", report) // the clock drops what is returned
		return report, err
	})
}
