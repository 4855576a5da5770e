// Command lambda is the function policies as AWS runs it.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/policies"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/saved"
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
	policies.Register(server.Server, policies.Deps{
		Rules: server.Rules, Saved: saved.Store{Table: table, Now: time.Now},
	})
	serve.HTTP(server)
}
