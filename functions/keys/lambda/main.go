// Command lambda is the function keys as AWS runs it.
package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/tarnhq/tarn/functions/keys"
	"github.com/tarnhq/tarn/shared/access"
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
	issued := access.Keys{Table: server.Trail.Table(), Random: rand.Reader, Now: time.Now}
	keys.Register(server.Server, keys.Deps{
		Keys:    issued,
		Usage:   &access.Usage{Table: table, Now: time.Now},
		Clients: &access.Clients{Keys: issued, Secrets: account.Secrets(config.Secrets.Value())},
	})
	serve.HTTP(server)
}
