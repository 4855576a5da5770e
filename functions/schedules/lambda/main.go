// Command lambda is the function schedules as AWS runs it.
package main

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/scheduler"
	"github.com/tarnhq/tarn/functions/schedules"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
	"github.com/tarnhq/tarn/shared/snapshot"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	server := apiserver.New(table)
	s := scheduler.New(scheduler.Deps{
		Table:     server.Trail.Table(),
		Queue:     account.Queue(config.Queue.Value(), config.Unworked.Value()),
		Alarm:     account.Alarms(aws.AlarmTarget{Group: config.AlarmGroup.Value(), Function: config.AlarmFunction.Value(), Role: config.AlarmRole.Value()}),
		Directory: account.Directory(config.UserPool.Value(), config.Client.Value(), config.Domain.Value()),
		Gate: server.Gate(&snapshot.Sealed{Catalog: dataset.Catalog{Table: table, Now: time.Now},
			Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)}),
		Limits: &limit.Store{Table: table, Now: time.Now, Meter: server.Meter},
		Now:    time.Now,
		Log:    serve.Logger(),
	})
	schedules.Register(server.Server, schedules.Deps{Scheduler: s, Now: time.Now})
	serve.HTTP(server)
}
