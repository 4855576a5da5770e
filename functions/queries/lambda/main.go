// Command lambda is the function queries as AWS runs it.
package main

import (
	"context"
	"os"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/functions/queries/cube"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
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
	catalog := dataset.Catalog{Table: account.Table(config.Table.Value()), Now: time.Now}
	server := apiserver.New(catalog.Table)
	questions, err := open(account, catalog, server)
	if err != nil {
		panic(err)
	}
	queries.Register(server.Server, questions)
	cube.Register(server.Server, cube.Deps{Deps: questions, Catalog: catalog})
	serve.HTTP(server)
}
