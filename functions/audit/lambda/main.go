// Command lambda is the function audit as AWS runs it.
package main

import (
	"context"
	"time"

	handlers "github.com/tarnhq/tarn/functions/audit"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/serve"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table := account.Table(config.Table.Value())
	trail := audit.New(table, time.Now, serve.Logger())
	server := api.New(serve.Principal, time.Now, serve.Logger())
	server.Audit(trail)
	server.Meter(quota.NewMeter(table, time.Now, true))
	handlers.Register(server, handlers.Deps{Log: trail})
	serve.HTTP(server)
}
