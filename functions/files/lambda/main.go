// Command lambda is the function files as AWS runs it.
package main

import (
	"context"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/functions/files"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
	"github.com/tarnhq/tarn/shared/snapshot"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	buckets, err := strconv.Atoi(config.Buckets.Value())
	if err != nil {
		panic(err)
	}
	blobs := account.Blob(config.Bucket.Value())
	server := apiserver.New(account.Table(config.Table.Value()))
	told := server.Trail.Table()
	files.Register(server.Server, files.Deps{
		Catalog: dataset.Catalog{Table: told, Now: time.Now},
		Gate: server.Gate(&snapshot.Sealed{Catalog: dataset.Catalog{Table: told, Now: time.Now},
			Manifest: manifest.Store{Table: told, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)}),
		Files: file.Store{Table: told, Blobs: blobs, Now: time.Now},
		Jobs:  job.Jobs{Table: told, Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
		Loading: file.Loading{Loader: load.Loader{Manifest: manifest.Store{Table: told, Blobs: blobs, Now: time.Now}},
			Enricher: enrich.New(&fieldrule.Salts{Secrets: account.Secrets(config.Secrets.Value())}, told, blobs, time.Now),
			Ingest:   ingest.Options{Stream: account.Stream(config.Stream.Value()), Buckets: buckets, Seal: events.Seal}},
		Now: time.Now,
	})
	serve.HTTP(server)
}
