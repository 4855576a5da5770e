// Command lambda is the function models as AWS runs it.
package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/tarnhq/tarn/functions/models"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/apiserver"
	"github.com/tarnhq/tarn/shared/snapshot"
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
	table, blobs := account.Table(config.Table.Value()), account.Blob(config.Bucket.Value())
	sql, err := reader(account)
	if err != nil {
		panic(err)
	}
	server := apiserver.New(table)
	told := server.Trail.Table()
	models.Register(server.Server, models.Deps{
		Models: model.Store{Table: told, Now: time.Now},
		Gate: server.Gate(&snapshot.Sealed{Catalog: dataset.Catalog{Table: table, Now: time.Now},
			Manifest: manifest.Store{Table: table, Blobs: blobs, Now: time.Now}, Poll: snapshot.Every(250 * time.Millisecond)}),
		SQL:  sql,
		Jobs: job.Jobs{Table: told, Queue: account.Queue(config.Queue.Value(), config.Unworked.Value()), Now: time.Now},
		Now:  time.Now,
	})
	serve.HTTP(server)
}

// reader checks SQL; it never reads a file.
func reader(account aws.Account) (*sqlrun.Runner, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	files, err := local.New(account.Blob(config.Bucket.Value()), filepath.Join(os.TempDir(), "segments"), 1<<20)
	if err != nil {
		return nil, err
	}
	return sqlrun.New(sqlrun.Config{Program: program, Files: files, Memory: 256 << 20, AtOnce: 1})
}
