// Command lambda is the function queries as AWS runs it.
package main

import (
	"context"
	"os"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/functions/queries/cube"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/sqlrun"
)

func main() {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	log := serve.Logger()
	catalog := dataset.Catalog{Table: account.Table(config.Table.Value()), Now: time.Now}
	meter := quota.NewMeter(catalog.Table, time.Now, true)
	questions, err := open(account, catalog, meter, log)
	if err != nil {
		panic(err)
	}
	trail := audit.New(catalog.Table, time.Now, log)
	questions.Limits.Table = trail.Table()
	server := api.New(serve.Principal, time.Now, log)
	server.Audit(trail)
	server.Meter(meter)
	queries.Register(server, questions)
	cube.Register(server, cube.Deps{Deps: questions, Catalog: catalog})
	serve.HTTP(server)
}
