package main

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/athena"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
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
	cacheBytes  = 64 << 20

	slow = 2 * time.Second // a query that took longer is logged
)

// open opens what answers queries.
func open(account aws.Account, catalog dataset.Catalog, server apiserver.Server) (queries.Deps, error) {
	log := serve.Logger()
	items, blobs := catalog.Table, account.Blob(config.Bucket.Value())
	folder := filepath.Join(config.Scratch.Value(), "segments")
	files, err := local.New(blobs, folder, diskBytes)
	if err != nil {
		return queries.Deps{}, err
	}
	engines, err := openEngines(account, files, folder, blobs)
	if err != nil {
		return queries.Deps{}, err
	}
	sql, err := openSQL(files)
	if err != nil {
		return queries.Deps{}, err
	}
	shared, err := sharedAnswers(items)
	if err != nil {
		return queries.Deps{}, err
	}
	return queries.Deps{SQL: sql, Executor: answer.Executor{
		Gate: server.Gate(&snapshot.Sealed{Catalog: catalog,
			Manifest: manifest.Store{Table: items, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond), Removed: files.Drop}),
		Saved:  saved.Store{Table: items, Now: time.Now},
		Engine: partial.New(partial.Config{Inner: limit.Engine{Inner: engines}, Engine: duck.Release(), Blobs: blobs, Log: log}), // what Athena answered is kept, too
		Cache:  answer.NewCache(cacheBytes, shared, log),
		Limits: &limit.Store{Table: server.Trail.Table(), Now: time.Now, Meter: server.Meter},
		Now:    time.Now,
		Slow:   slow,
		Log:    log,
	}}, nil
}

// openEngines opens DuckDB, with Athena for what is too much for it.
func openEngines(account aws.Account, files *local.Files, folder string, blobs blob.Store) (engine.Engine, error) {
	inner, err := duck.Open(duck.Config{Files: files, Readable: []string{folder}, Memory: memoryBytes, MaxAnswer: answerBytes})
	if err != nil {
		return nil, err
	}
	scanBytes, err := strconv.ParseInt(config.ScanBytes.Value(), 10, 64)
	if err != nil {
		return nil, err
	}
	tables := account.Pointers(config.Database.Value())
	return athena.New(athena.Config{
		Inner: inner, Bytes: scanBytes, Service: account.Athena(config.Workgroup.Value()),
		Lake: lake.Publisher{Blobs: blobs, Pointers: tables, Root: "s3://" + config.Bucket.Value() + "/"}, Called: tables.Called,
	}), nil
}

// openSQL opens what runs callers' SQL: children of this program.
func openSQL(files *local.Files) (*sqlrun.Runner, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return sqlrun.New(sqlrun.Config{Program: program, Files: files, Memory: sqlBytes, AtOnce: 1, MaxAnswer: answerBytes})
}

// sharedAnswers is where the function's processes share answers: the stage's cache, or
// else the table.
func sharedAnswers(t table.Table) (answer.Shared, error) {
	if url := config.Cache.Or(""); url != "" {
		return answer.NewRedis(url)
	}
	return answer.Table{Table: t, Now: time.Now}, nil
}
