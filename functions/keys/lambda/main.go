// Command lambda is the function keys as AWS runs it.
package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/tarnhq/tarn/functions/keys"
	"github.com/tarnhq/tarn/shared/access"
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
	keys.Register(server, keys.Deps{
		Keys:  access.Keys{Table: trail.Table(), Random: rand.Reader, Now: time.Now},
		Usage: &access.Usage{Table: table, Now: time.Now},
	})
	serve.HTTP(server)
}
