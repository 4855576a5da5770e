// Command lambda is the function events as AWS runs it.
package main

import (
	"context"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/events"
	handlers "github.com/tarnhq/tarn/functions/events"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fate"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/suppression"
)

const filterMemory = 256 << 20 // bytes of the Bloom filters that are kept

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	buckets, err := strconv.Atoi(config.Buckets.Value())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	log, versions, segments := account.Stream(config.Stream.Value()), manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, segment.NewCache(blobs, filterMemory)
	server := apiserver.New(table)
	handlers.Register(server.Server, handlers.Deps{
		Gate: server.Gate(&snapshot.Sealed{Catalog: dataset.Catalog{Table: table, Now: time.Now}, Manifest: versions,
			Poll: snapshot.Every(250 * time.Millisecond)}),
		Table:    table,
		Segments: segments,
		Finder:   fate.Finder{Segments: segments, Stream: log, Suppressions: suppression.Store{Table: table}},
		Replayer: quarantine.Replayer{Manifest: manifest.Store{Table: server.Trail.Table(), Blobs: blobs, Now: time.Now}, Segments: segments,
			Enricher: enrich.New(&fieldrule.Salts{Secrets: account.Secrets(config.Secrets.Value())}, table, blobs, time.Now),
			Ingest:   ingest.Options{Stream: log, Buckets: buckets, Seal: events.Seal}},
	})
	serve.HTTP(server)
}
