// Command lambda is the function embeds as AWS runs it.
package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/tarnhq/tarn/functions/embeds"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
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
	embeds.Register(server.Server, embeds.Deps{
		Gate: server.Gate(&snapshot.Sealed{Catalog: dataset.Catalog{Table: table, Now: time.Now},
			Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)}),
		Saved:  saved.Store{Table: table, Now: time.Now},
		Embeds: &access.Embeds{Secrets: account.Secrets(config.Secrets.Value()), Now: time.Now, Random: rand.Reader},
	})
	serve.HTTP(server)
}
