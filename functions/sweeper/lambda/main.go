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
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	lambda.Start(sweeper.Sweeper{
		Catalog:  dataset.Catalog{Table: table, Now: time.Now},
		Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now},
		Now:      time.Now,
		Grace:    sweeper.Grace,
	}.Run)
}
