// Command lambda is the function connectors as AWS runs it.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/connectors"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/kinds"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	networks, err := outbound.ParseNetworks(config.AllowNetworks.Or(""))
	if err != nil {
		panic(err)
	}
	server := apiserver.New(account.Table(config.Table.Value()))
	connectors.Register(server.Server, connectors.Deps{
		Store:   connector.Store{Table: server.Trail.Table(), Secrets: account.Secrets(config.Secrets.Value()), Now: time.Now},
		Drivers: kinds.All(outbound.Options{Allow: networks}),
		Jobs:    job.Jobs{Table: server.Trail.Table(), Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
	})
	serve.HTTP(server)
}
