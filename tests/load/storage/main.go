// Command storage measures the disk space of an event: the whole data folder, once
// everything is sealed and the log is trimmed, against a Parquet file of DuckDB's
// without ids, and against PostgreSQL.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/tests/load/measure"
)

func main() {
	binary := flag.String("tarn", "build/tarnd", "the built server")
	events := flag.Int("events", 1_000_000, "click-stream events")
	flag.Parse()
	measure.Fatal(run(context.Background(), *binary, *events))
}

func run(ctx context.Context, binary string, events int) error {
	dir, err := os.MkdirTemp("", "tarn-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	each := func(bytes int64) string { return fmt.Sprintf("%.1f", float64(bytes)/float64(events)) }
	rows := [][]string{{"bytes per event", "in all", "of its random id", "besides", "aim"}}
	for _, ids := range []struct {
		name   string
		short  bool
		random int64
	}{{"Tarn, UUIDs", false, 16}, {"Tarn, ids of 12 digits", true, 6}} {
		data := filepath.Join(dir, fmt.Sprint("tarn-", ids.short))
		if err := measure.Fill(ctx, binary, data, events, ids.short); err != nil {
			return err
		}
		used, err := sizes(data)
		if err != nil {
			return err
		}
		least := ids.random * int64(events)
		rows = append(rows, []string{ids.name, each(used["."]), each(least), each(used["."] - least), "<= 12"})
		for _, part := range []string{"blobs", "stream"} {
			rows = append(rows, []string{"of that: " + part, each(used[part]), "", "", ""})
		}
	}
	plain, err := duckdb(filepath.Join(dir, "tarn-false"), filepath.Join(dir, "plain.parquet"))
	if err != nil {
		return err
	}
	rows = append(rows, []string{"DuckDB Parquet, zstd, without ids", each(plain), "0.0", each(plain), ""})
	switch used, err := postgres(ctx, filepath.Join(dir, "postgres"), events); {
	case err == nil:
		rows = append(rows, []string{"PostgreSQL, UUIDs as text, no index", each(used), "16.0", each(used - 16*int64(events)), ""})
	case errors.Is(err, measure.ErrNoPostgres):
		rows = append(rows, []string{"PostgreSQL", "absent", "", "", ""})
	default:
		return err
	}
	measure.Table(fmt.Sprintf("Disk space of %d click-stream events", events), rows...)
	return nil
}

// sizes adds up the files of a folder: "." is all of them, the others are those of
// its folders. The log of what the server said is no data.
func sizes(root string) (map[string]int64, error) {
	used := map[string]int64{}
	return used, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) == ".log" && filepath.Dir(path) == root {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		used["."] += info.Size()
		for folder := filepath.Dir(inside); folder != "."; folder = filepath.Dir(folder) {
			used[folder] += info.Size()
		}
		return nil
	})
}

// duckdb writes what was sent, but for the ids, as one Parquet file.
func duckdb(data, file string) (int64, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	segments, err := measure.Segments(data)
	if err != nil {
		return 0, err
	}
	if _, err := db.Exec("COPY (SELECT event, time, user_id, p_url, p_revenue FROM " + segments + " ORDER BY time) TO '" + file + "' (FORMAT parquet, COMPRESSION zstd)"); err != nil {
		return 0, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func postgres(ctx context.Context, dir string, events int) (int64, error) {
	db, err := measure.StartPostgres(ctx, dir)
	if err != nil {
		return 0, err
	}
	n, err := db.Bytes(ctx, measure.NewClicks(1, time.Now().UTC()), events)
	return n, errors.Join(err, db.Stop())
}
