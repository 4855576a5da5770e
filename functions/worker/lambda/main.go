// Command lambda is the function worker as AWS runs it: driven by the queue and, lest
// anything be left lying, by the clock.
package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/functions/worker"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/kinds"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/erasure"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/model/build"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/shared/table"
)

// What a job may use of the 3 GB of memory and the 10 GB of disk that the function has;
// a file in the making has the rest of the disk.
const (
	diskBytes   = 3 << 30
	memoryBytes = 2 << 30
	queryTime   = 10 * time.Minute
)

func main() {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	items, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	folder := filepath.Join(config.Scratch.Value(), "segments")
	files, err := local.New(blobs, folder, diskBytes)
	if err != nil {
		panic(err)
	}
	engine, err := duck.Open(duck.Config{Files: files, Readable: []string{folder}, Memory: memoryBytes, Deadline: queryTime})
	if err != nil {
		panic(err)
	}
	source := &snapshot.Sealed{Catalog: dataset.Catalog{Table: items, Now: time.Now},
		Manifest: manifest.Store{Table: items, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond), Removed: files.Drop}
	builds, folders := builder(source, files), model.Store{Table: items, Now: time.Now}
	w := &job.Worker{
		Jobs: jobsOf(account),
		Runners: map[job.Kind]job.Runner{
			connector.Sync: syncer(account, source),
			erasure.Kind:   eraser(account, source, engine),
			export.Kind:    export.Runner{Source: source, Engine: engine, Blobs: blobs, Folder: config.Scratch.Value()},
			file.Kind:      loader(account),

			build.Kind:      build.Runner{Builder: builds, Models: folders},
			build.TrialKind: build.Runner{Builder: builds, Models: folders, Trial: true},
		},
		Random: rand.IntN,
		Log:    serve.Logger(),
		Beats:  worker.Beats,
	}
	watch := watcher(account, source)
	serve.Hints(func(ctx context.Context) (int, error) {
		if err := watch(ctx); err != nil {
			w.Log.ErrorContext(ctx, "models", "error", err.Error()) // which keeps no job from its turn
		}
		return w.Work(ctx)
	})
}

// builder builds models.
func builder(source *snapshot.Sealed, files *local.Files) build.Builder {
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	sql, err := sqlrun.New(sqlrun.Config{Program: program, Files: files, Memory: memoryBytes / 2, AtOnce: 1, Deadline: queryTime})
	if err != nil {
		panic(err)
	}
	return build.Builder{Catalog: source.Catalog, Source: source, SQL: sql, Loader: load.Loader{Manifest: source.Manifest}}
}

// watchEvery is how often a process that has much to do looks for models that are due.
const watchEvery = time.Minute

// watcher orders the builds of models that are due.
func watcher(account aws.Account, source *snapshot.Sealed) func(context.Context) error {
	w := build.Watcher{Models: model.Store{Table: source.Manifest.Table, Now: time.Now}, Catalog: source.Catalog, Loader: load.Loader{Manifest: source.Manifest}, Jobs: jobsOf(account), Now: time.Now}
	var looked time.Time
	return func(ctx context.Context) error {
		if time.Since(looked) < watchEvery {
			return nil
		}
		looked = time.Now()
		return w.Look(ctx)
	}
}

func loader(account aws.Account) file.Runner {
	buckets, err := strconv.Atoi(config.Buckets.Value())
	if err != nil {
		panic(err)
	}
	items, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	return file.Runner{
		Catalog: dataset.Catalog{Table: items, Now: time.Now},
		Files:   file.Store{Table: items, Blobs: blobs, Now: time.Now},
		Loading: file.Loading{Loader: load.Loader{Manifest: manifest.Store{Table: items, Blobs: blobs, Now: time.Now}},
			Enricher: enrich.New(&fieldrule.Salts{Secrets: account.Secrets(config.Secrets.Value())}, items, blobs, time.Now),
			Ingest:   ingest.Options{Stream: account.Stream(config.Stream.Value()), Buckets: buckets, Seal: events.Seal}},
	}
}

// syncer syncs connectors.
func syncer(account aws.Account, source *snapshot.Sealed) connector.Runner {
	networks, err := outbound.ParseNetworks(config.AllowNetworks.Or(""))
	if err != nil {
		panic(err)
	}
	return connector.Runner{
		Store:   connector.Store{Table: source.Catalog.Table, Secrets: account.Secrets(config.Secrets.Value()), Now: time.Now},
		Catalog: source.Catalog, Loader: load.Loader{Manifest: source.Manifest},
		Drivers: kinds.All(outbound.Options{Allow: networks}),
	}
}

func jobsOf(account aws.Account) job.Jobs {
	return job.Jobs{Table: account.Table(config.Table.Value()), Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now}
}

// remains are what AWS keeps copies in for a while.
var remains = []erasure.Remains{
	{What: "records of the event stream", For: 7 * 24 * time.Hour},
	{What: "point-in-time backups of the table", For: 35 * 24 * time.Hour},
	{What: "disks of function instances", For: 24 * time.Hour},
}

// sharedAnswers is where functions share answers: the stage's cache, or else the table.
func sharedAnswers(t table.Table) erasure.Answers {
	if url := config.Cache.Or(""); url != "" {
		redis, err := answer.NewRedis(url)
		if err != nil {
			panic(err)
		}
		return redis
	}
	return answer.Table{Table: t, Now: time.Now}
}

// eraser does erasures.
func eraser(account aws.Account, source *snapshot.Sealed, e engine.Reader) erasure.Runner {
	tables := account.Pointers(config.Database.Value())
	return erasure.Runner{
		Catalog: source.Catalog, Manifest: source.Manifest, Jobs: jobsOf(account), Now: time.Now, Remains: remains, Engine: e,
		Lake:    &lake.Publisher{Manifest: source.Manifest, Blobs: source.Manifest.Blobs, Pointers: tables, Root: "s3://" + config.Bucket.Value() + "/", Now: time.Now},
		Answers: sharedAnswers(source.Manifest.Table), Audit: audit.New(source.Manifest.Table, time.Now, serve.Logger()),
	}
}
