// Command lambda is the function worker as AWS runs it: driven by the queue and, lest
// anything be left lying, by the clock.
package main

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/tarnhq/tarn/functions/worker"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// What a job may use of the 3 GB of memory and the 10 GB of disk that the function has;
// a file in the making has the rest of the disk.
const (
	diskBytes   = 3 << 30
	memoryBytes = 2 << 30
	queryTime   = 10 * time.Minute
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	folder := filepath.Join(config.Scratch.Value(), "segments")
	files, err := local.New(blobs, folder, diskBytes)
	if err != nil {
		panic(err)
	}
	engine, err := duck.Open(duck.Config{Files: files, Readable: []string{folder}, Memory: memoryBytes, Deadline: queryTime})
	if err != nil {
		panic(err)
	}
	source := &snapshot.Sealed{Catalog: dataset.Catalog{Table: table, Now: time.Now},
		Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)}
	w := &job.Worker{
		Jobs: job.Jobs{Table: table, Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
		Runners: map[job.Kind]job.Runner{
			export.Kind: export.Runner{Source: source, Engine: engine, Blobs: blobs, Folder: config.Scratch.Value()},
		},
		Random: rand.IntN,
		Log:    serve.Logger(),
		Beats:  worker.Beats,
	}
	serve.Hints(w.Work)
}
