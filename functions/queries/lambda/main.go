// Command lambda is the function queries as AWS runs it.
package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/athena"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlrun"
)

// What a query and a statement in SQL may use of the 3 GB of memory and the 4 GB of
// disk that the function has. Lambda takes answers of 6 MB.
const (
	diskBytes   = 3 << 30
	memoryBytes = 1536 << 20
	sqlBytes    = 768 << 20
	answerBytes = 5 << 20
)

func main() {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	bucket := config.Bucket.Value()
	table, blobs := account.Table(config.Table.Value()), account.Blob(bucket)
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
	server := api.New(serve.Principal, time.Now, serve.Logger())
	queries.Register(server, queries.Deps{
		Source: &snapshot.Sealed{Catalog: dataset.Catalog{Table: table, Now: time.Now},
			Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)},
		Saved:  saved.Store{Table: table, Now: time.Now},
		Engine: scaled,
		SQL:    sql,
		Now:    time.Now,
	})
	serve.HTTP(server)
}
