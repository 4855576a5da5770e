package sqltable

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // a system that needs no server
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// lite is SQLite as a System, with the one table that a test makes: a cursor at, a key of
// a and b, which may be null and in which case makes no difference, and a number that tells
// rows apart.
type lite struct{}

func (lite) Name() string { return "SQLite" }

func (lite) Quote(name string) string { return `"` + name + `"` }

func (lite) Nth(n int) string { return fmt.Sprint("LIMIT 1 OFFSET ", n) }

func (lite) Fault(err error) error { return err }

func (lite) Begin(ctx context.Context, db *sql.DB, _ time.Duration) (*sql.Tx, error) {
	return db.BeginTx(ctx, nil)
}

func (lite) Describe(context.Context, *sql.Tx, string) ([]Table, error) {
	literal := func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
	number := Codec{Becomes: dataset.Int, Add: AddInt, Literal: func(text string) string { return text }, Cursor: &Cursor{Back: NumberBack}}
	text := Codec{Becomes: dataset.Text, Add: (*rows.Values).AddText, Literal: literal, Cursor: &Cursor{Back: TextBack}}
	return []Table{{Name: "things", SQL: `"things"`, Columns: []Column{
		{Name: "at", Nullable: true, Codec: number}, {Name: "a", Nullable: true, Codec: text},
		{Name: "b", Nullable: true, Codec: number}, {Name: "n", Codec: number}, {Name: "wide", Codec: text},
	}}}, nil
}

func openLite(t *testing.T) (*sql.DB, *Source) {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // each has a database of its own
	t.Cleanup(func() { _ = db.Close() })
	exec(t, db, `CREATE TABLE things (at INTEGER, a TEXT COLLATE NOCASE, b INTEGER, n INTEGER PRIMARY KEY, wide TEXT)`)
	s, err := Open(t.Context(), db, lite{})
	if err != nil {
		t.Fatal(err)
	}
	return db, s
}

func exec(t rapid.TB, db *sql.DB, format string, args ...any) {
	t.Helper()
	if _, err := db.Exec(fmt.Sprintf(format, args...)); err != nil {
		t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
}
