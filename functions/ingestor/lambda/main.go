// Command lambda is the function ingestor as AWS runs it: driven by the stream.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/ingestor"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/tail"
)

const filterMemory = 512 << 20 // bytes of the Bloom filters that are kept

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	serve.Kinesis((&ingestor.Ingestor{
		Stream: account.Stream(config.Stream.Value()),
		Live: &tail.Live{
			Catalog:  dataset.Catalog{Table: table, Now: time.Now},
			Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now},
			Segments: segment.NewCache(blobs, filterMemory),
			Blobs:    blobs,
			Now:      time.Now,
		},
	}).Consume)
}
