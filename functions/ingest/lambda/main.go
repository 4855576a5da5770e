// Command lambda is the function ingest as AWS runs it.
package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/events"
	handlers "github.com/tarnhq/tarn/functions/ingest"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
)

func main() {
	ctx, log := context.Background(), serve.Logger()
	account, err := aws.Load(ctx)
	if err != nil {
		panic(err)
	}
	buckets, err := strconv.Atoi(config.Buckets.Value())
	if err != nil {
		panic(err)
	}
	issuer, err := account.Directory(config.UserPool.Value(), config.Client.Value(), config.Domain.Value()).Issuer(ctx)
	if err != nil {
		panic(err)
	}
	table, id := account.Table(config.Table.Value()), events.Producer(rand.Uint64()|1) // #nosec G404 -- numbers a process; nothing is protected
	keys := access.Keys{Table: table, Now: time.Now}
	failed := func(err error) { log.Error("accepted", "error", err.Error()) }
	accepted := &ingest.Accepted{Table: table, Producer: id, Now: time.Now, MaxAge: time.Second, Failed: failed}
	usage := &access.Usage{Table: table, Now: time.Now}
	server := apiserver.New(table)
	handlers.Register(server.Server, handlers.Deps{
		Authenticator: &access.Authenticator{Keys: keys, Usage: usage, Clients: &access.Clients{Keys: keys, Secrets: account.Secrets(config.Secrets.Value())},
			Tokens: access.NewTokens(issuer, access.PublishedKeys(http.DefaultClient, issuer.JWKS), access.People{Table: table, Now: time.Now})},
		Datasets: &dataset.Cache{Catalog: dataset.Catalog{Table: server.Trail.Table(), Now: time.Now}, MaxAge: dataset.CacheAge},
		Producer: ingest.NewProducer(ingest.Options{ID: id, Stream: account.Stream(config.Stream.Value()), Buckets: buckets,
			Accepted: accepted, Seal: events.Seal}),
		Enricher: enrich.New(&fieldrule.Salts{Secrets: account.Secrets(config.Secrets.Value())}, table, account.Blob(config.Bucket.Value()), time.Now),
		Now:      time.Now,
	})
	serve.HTTP(server, func(ctx context.Context) {
		if err := accepted.Flush(ctx); err != nil {
			failed(err)
		}
		if err := usage.Flush(ctx); err != nil {
			log.Error("usage of keys", "error", err.Error())
		}
	})
}
