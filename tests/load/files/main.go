// Command files measures the loading of files, from the upload until the rows are
// visible: a generated CSV, and three million flights as Parquet and as CSV. DuckDB reads
// the same files on one core beside it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tarnhq/tarn/tests/load/measure"
)

type options struct {
	binary  string
	flights string
	bytes   int64
	turns   int
}

func main() {
	var o options
	flag.StringVar(&o.binary, "tarn", "build/tarnd", "the built server")
	flag.StringVar(&o.flights, "flights", "node_modules/vega-datasets/data/flights-3m.parquet", "flights as Parquet, which npm ci brings")
	flag.Int64Var(&o.bytes, "bytes", 1<<30, "of the generated CSV")
	flag.IntVar(&o.turns, "turns", 3, "loads of each file, of which the median counts")
	flag.Parse()
	measure.Fatal(run(context.Background(), o))
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "tarn-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := prepare(ctx, dir, o)
	if err != nil {
		return err
	}
	table := [][]string{{"file", "of", "rows", "rows a CPU-second", "wall", "DuckDB fills a table", "DuckDB only reads", "Tarn/DuckDB", "peak memory", "of that before"}}
	for _, file := range files {
		line, err := compare(ctx, filepath.Join(dir, "tarn"), o, file)
		if err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
		table = append(table, line)
	}
	measure.Table("Files loaded, aims: at least half of DuckDB's rows, 512 MiB", table...)
	return nil
}

// compare loads a file in turns, into servers of its own, and has DuckDB read it.
func compare(ctx context.Context, data string, o options, file file) ([]string, error) {
	var ours, wall, filled, read []time.Duration
	var rest, peak int64
	for range o.turns {
		done, err := loadOnce(ctx, data, o.binary, file)
		if err != nil {
			return nil, err
		}
		ours, wall = append(ours, done.cpu), append(wall, done.wall)
		rest, peak = max(rest, done.rest), max(peak, done.peak)
		fill, scan, err := duckdb(ctx, filepath.Dir(data), file)
		if err != nil {
			return nil, err
		}
		filled, read = append(filled, fill), append(read, scan)
	}
	cpu := measure.Quantile(ours, 0.5)
	fill, scan := measure.Quantile(filled, 0.5), measure.Quantile(read, 0.5)
	return []string{file.name, measure.MiB(file.bytes), fmt.Sprint(file.rows), file.rate(cpu), measure.Quantile(wall, 0.5).Round(10 * time.Millisecond).String(),
		file.rate(fill), file.rate(scan), fmt.Sprintf("%.2f / %.2f", fill.Seconds()/cpu.Seconds(), scan.Seconds()/cpu.Seconds()), measure.MiB(peak), measure.MiB(rest)}, nil
}

// loaded is what one load took, from the order until the rows are visible.
type loaded struct {
	cpu, wall  time.Duration
	rest, peak int64 // bytes of the server's memory: before, and at most
}

// loadOnce loads a file into a new server.
func loadOnce(ctx context.Context, data, binary string, file file) (done loaded, err error) {
	if err := os.RemoveAll(data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return done, err
	}
	t, err := measure.StartTarn(ctx, binary, data)
	if err != nil {
		return done, err
	}
	defer func() {
		_, stopped := t.Stop()
		err = errors.Join(err, stopped)
	}()
	id, err := upload(ctx, t, file)
	if err != nil {
		return done, err
	}
	if done.rest, err = t.PeakRSS(); err != nil {
		return done, err
	}
	before, err := t.CPU()
	if err != nil {
		return done, err
	}
	began := time.Now()
	if err := load(ctx, t, id, file.rows); err != nil {
		return done, err
	}
	done.wall = time.Since(began)
	after, err := t.CPU()
	if err != nil {
		return done, err
	}
	done.cpu = after - before
	done.peak, err = t.PeakRSS()
	return done, err
}
