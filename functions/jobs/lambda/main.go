// Command lambda is the function jobs as AWS runs it.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/jobs"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
	"github.com/tarnhq/tarn/shared/snapshot"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table := account.Table(config.Table.Value())
	server := apiserver.New(table)
	jobs.Register(server.Server, jobs.Deps{
		Jobs: job.Jobs{Table: server.Trail.Table(), Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
		Now:  time.Now,
		Poll: snapshot.Every(time.Second),
		Results: map[job.Kind]jobs.Result{
			export.Kind: export.Files{Blobs: account.Blob(config.Bucket.Value()), Now: time.Now}.View,
		},
	})
	serve.HTTP(server)
}
