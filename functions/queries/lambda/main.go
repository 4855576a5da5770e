// Command lambda is the function queries as AWS runs it.
package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/functions/queries/cube"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/athena"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/shared/table"
)

// What a query and a statement in SQL may use of the 3 GB of memory and the 4 GB of
// disk that the function has. Lambda takes answers of 6 MB.
const (
	diskBytes   = 3 << 30
	memoryBytes = 1536 << 20
	sqlBytes    = 768 << 20
	answerBytes = 5 << 20
	keptBytes   = 64 << 20

	slow = 2 * time.Second // a query that took longer is logged
)

func main() {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	log, bucket := serve.Logger(), config.Bucket.Value()
	items, blobs := account.Table(config.Table.Value()), account.Blob(bucket)
	folder := filepath.Join(config.Scratch.Value(), "segments")
	files, err := local.New(blobs, folder, diskBytes)
	if err != nil {
		panic(err)
	}
	engine, err := duck.Open(duck.Config{Files: files, Readable: []string{folder}, Memory: memoryBytes, MaxAnswer: answerBytes})
	if err != nil {
		panic(err)
	}
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	sql, err := sqlrun.New(sqlrun.Config{Program: program, Files: files, Memory: sqlBytes, AtOnce: 1, MaxAnswer: answerBytes})
	if err != nil {
		panic(err)
	}
	scanBytes, err := strconv.ParseInt(config.ScanBytes.Value(), 10, 64)
	if err != nil {
		panic(err)
	}
	tables := account.Pointers(config.Database.Value())
	scaled := athena.New(athena.Config{
		Inner: engine, Bytes: scanBytes, Service: account.Athena(config.Workgroup.Value()),
		Lake: lake.Publisher{Blobs: blobs, Pointers: tables, Root: "s3://" + bucket + "/"}, Called: tables.Called,
	})
	shared, err := sharedAnswers(items)
	if err != nil {
		panic(err)
	}
	server := api.New(serve.Principal, time.Now, log)
	catalog := dataset.Catalog{Table: items, Now: time.Now}
	questions := queries.Deps{
		Source: &snapshot.Sealed{Catalog: catalog,
			Manifest: manifest.Store{Table: items, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)},
		Saved:  saved.Store{Table: items, Now: time.Now},
		Engine: partial.New(partial.Config{Inner: limit.Engine{Inner: scaled}, Engine: duck.Release(), Blobs: blobs, Log: log}), // what Athena answered is kept, too
		SQL:    sql,
		Limits: &limit.Store{Table: items, Now: time.Now},
		Kept:   answer.NewKept(keptBytes, shared, log),
		Now:    time.Now,
		Slow:   slow,
		Log:    log,
	}
	queries.Register(server, questions)
	cube.Register(server, cube.Deps{Deps: questions, Catalog: catalog})
	serve.HTTP(server)
}

// sharedAnswers is where the function's processes share answers: the stage's cache, or
// else the table.
func sharedAnswers(t table.Table) (answer.Shared, error) {
	if url := config.Cache.Or(""); url != "" {
		return answer.NewRedis(url)
	}
	return answer.Table{Table: t, Now: time.Now}, nil
}
