package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// file is what is loaded.
type file struct {
	name, path  string
	bytes, rows int64
}

// from is the file as DuckDB reads it.
func (f file) from() string {
	if filepath.Ext(f.path) == ".parquet" {
		return "read_parquet('" + f.path + "')"
	}
	return "read_csv('" + f.path + "')"
}

// rate is how many rows a second of processor time makes.
func (f file) rate(cpu time.Duration) string {
	return fmt.Sprintf("%.0f", float64(f.rows)/cpu.Seconds())
}

// prepare makes the files.
func prepare(ctx context.Context, dir string, o options) ([]file, error) {
	flights, err := filepath.Abs(o.flights)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(flights); err != nil {
		return nil, fmt.Errorf("flights are absent, npm ci brings them: %w", err)
	}
	db, err := open(ctx, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	text := filepath.Join(dir, "flights.csv")
	if _, err := db.ExecContext(ctx, "COPY (FROM read_parquet('"+flights+"')) TO '"+text+"' (HEADER)"); err != nil {
		return nil, err
	}
	generated := filepath.Join(dir, "orders.csv")
	if err := generate(generated, o.bytes); err != nil {
		return nil, err
	}
	var all []file
	for _, path := range []string{generated, text, flights} {
		f := file{name: filepath.Base(path), path: path}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		f.bytes = info.Size()
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+f.from()).Scan(&f.rows); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// generate writes a CSV of orders: whole numbers, times, texts of few and of many values,
// fractions, truth values, empty fields, and one text in twenty quoted.
func generate(path string, bytes int64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if _, err := io.WriteString(w, "order_id,placed,customer,country,amount,quantity,paid,note\n"); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	countries := []string{"CH", "DE", "FR", "IT", "AT", "US", "NA", "JP"}
	notes := []string{"", "gift", "leave at the door", `"call first, then ring"`, "second floor", "", "", "express", "", ""}
	at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for n, id := int64(0), 1; n < bytes; id++ {
		at = at.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
		wrote, err := fmt.Fprintf(w, "%d,%s,customer-%d,%s,%d.%02d,%d,%t,%s\n", id, at.Format("2006-01-02T15:04:05.000Z"), r.IntN(500_000),
			countries[r.IntN(len(countries))], r.IntN(2000), r.IntN(100), 1+r.IntN(9), r.IntN(10) > 0, notes[r.IntN(len(notes))])
		if err != nil {
			return err
		}
		n += int64(wrote)
	}
	return w.Flush()
}
