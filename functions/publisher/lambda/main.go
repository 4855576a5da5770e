// Command lambda is the function publisher as AWS runs it: driven by the clock.
package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tarnhq/tarn/functions/publisher"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/serve"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	bucket := config.Bucket.Value()
	table, blobs := account.Table(config.Table.Value()), account.Blob(bucket)
	log := serve.Logger()
	p := publisher.Publisher{
		Catalog: dataset.Catalog{Table: table, Now: time.Now}, Shuffle: rand.Shuffle,
		Lake: lake.Publisher{
			Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, Blobs: blobs,
			Pointers: account.Pointers(config.Database.Value()), Root: "s3://" + bucket + "/", Now: time.Now,
		},
	}
	lambda.Start(func(ctx context.Context) (publisher.Report, error) {
		report, err := p.Run(ctx)
		log.InfoContext(ctx, "publish", "report", report) // the clock drops what is returned
		return report, err
	})
}
