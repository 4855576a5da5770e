// Command lambda is the function exports as AWS runs it.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/exports"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
	"github.com/tarnhq/tarn/shared/snapshot"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	server := apiserver.New(table)
	exports.Register(server.Server, exports.Deps{
		Orders: export.Orders{
			Gate: server.Gate(&snapshot.Sealed{Catalog: dataset.Catalog{Table: table, Now: time.Now},
				Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)}),
			Saved:  saved.Store{Table: table, Now: time.Now},
			Limits: &limit.Store{Table: table, Now: time.Now, Meter: server.Meter},
		},
		Jobs: job.Jobs{Table: server.Trail.Table(), Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
	})
	serve.HTTP(server)
}
