package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
)

// duckdb returns the processor time that DuckDB takes on one core to make a table on disk
// of a file, and to look at every value of it.
func duckdb(ctx context.Context, dir string, file file) (fill, scan time.Duration, err error) {
	at := filepath.Join(dir, "duck.db")
	defer os.Remove(at)
	db, err := open(ctx, at)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if fill, err = timed(ctx, db, "CREATE TABLE loaded AS FROM "+file.from(), "CHECKPOINT"); err != nil {
		return 0, 0, err
	}
	columns, err := names(ctx, db)
	if err != nil {
		return 0, 0, err
	}
	scan, err = timed(ctx, db, "SELECT max("+strings.Join(columns, "), max(")+") FROM "+file.from())
	return fill, scan, err
}

// open opens a database on disk; empty: in memory.
func open(ctx context.Context, at string) (*sql.DB, error) {
	db, err := sql.Open("duckdb", at)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, "SET threads = 1; SET preserve_insertion_order = true")
	return db, err
}

func names(ctx context.Context, db *sql.DB) (all []string, err error) {
	found, err := db.QueryContext(ctx, "SELECT column_name FROM information_schema.columns WHERE table_name = 'loaded'")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, `"`+name+`"`)
	}
	return all, found.Err()
}

// timed runs statements and returns the processor time that they took.
func timed(ctx context.Context, db *sql.DB, statements ...string) (time.Duration, error) {
	before := used()
	for _, text := range statements {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return 0, fmt.Errorf("%s: %w", text, err)
		}
	}
	return used() - before, nil
}

// used is the processor time of this process, in which DuckDB runs.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it takes no input
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
