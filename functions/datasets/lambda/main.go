// Command lambda is the function datasets as AWS runs it.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/datasets"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	server := apiserver.New(table)
	catalog := dataset.Catalog{Table: server.Trail.Table(), Now: time.Now}
	datasets.Register(server.Server, datasets.Deps{
		Catalog: catalog,
		Gate: server.Gate(&snapshot.Sealed{Catalog: catalog, Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now},
			Poll: snapshot.Every(250 * time.Millisecond)}),
		Enricher: enrich.New(&fieldrule.Salts{Secrets: account.Secrets(config.Secrets.Value())}, table, blobs, time.Now),
		Saved:    saved.Store{Table: server.Trail.Table(), Now: time.Now},
		Forgotten: func(ctx context.Context, _ tenant.ID, _ dataset.Name) error {
			return snapshot.Every(dataset.CacheAge)(ctx)
		},
	})
	serve.HTTP(server)
}
