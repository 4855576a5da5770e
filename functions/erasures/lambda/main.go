// Command lambda is the function erasures as AWS runs it.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/erasures"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/erasure"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/suppression"
)

const filterMemory = 64 << 20 // bytes of what segments are asked by

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	catalog := dataset.Catalog{Table: table, Now: time.Now}
	source := &snapshot.Sealed{Catalog: catalog, Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)}
	server := apiserver.New(table)
	salts := &fieldrule.Salts{Secrets: account.Secrets(config.Secrets.Value())}
	erasures.Register(server.Server, erasures.Deps{
		Catalog: catalog,
		Orders:  erasure.Orders{Gate: server.Gate(source), Suppressions: suppression.Store{Table: table}, Salts: salts},
		Finder:  erasure.Finder{Segments: segment.NewCache(blobs, filterMemory), Salts: salts},
		Jobs:    job.Jobs{Table: server.Trail.Table(), Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
	})
	serve.HTTP(server)
}
