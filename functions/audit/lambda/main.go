// Command lambda is the function audit as AWS runs it.
package main

import (
	"context"

	handlers "github.com/tarnhq/tarn/functions/audit"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table := account.Table(config.Table.Value())
	server := apiserver.New(table)
	handlers.Register(server.Server, handlers.Deps{Log: server.Trail})
	serve.HTTP(server)
}
