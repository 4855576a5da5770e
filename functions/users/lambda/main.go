// Command lambda is the function users as AWS runs it.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/users"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/people"
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
	users.Register(server.Server, users.Deps{People: people.People{
		Directory: account.Directory(config.UserPool.Value(), config.Client.Value(), config.Domain.Value()),
		Standings: access.People{Table: table, Now: time.Now},
	}})
	serve.HTTP(server)
}
