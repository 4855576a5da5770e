// Package sqltable reads tables of systems that database/sql reaches: whole, as one
// stream, or by a cursor column, in pages. What differs between the systems is their
// System; which rows a page has, where it ends and how reading goes on after a kill is
// the same for all, and is here.
//
// Texts are compared by the server alone. Its collations hold "a" and "A" for equal, or
// "a" and "a ", which bytes do not; so a page ends at a value that the server was asked
// for, and holds all rows that the server has up to there, those that are equal included.
package sqltable

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// Times that statements have.
const (
	ConnectTime   = 15 * time.Second // to connect
	StatementTime = 5 * time.Minute  // a page, or what the catalog is asked
	StreamTime    = time.Hour        // a table that is read whole, while it is loaded
)

// System is what differs between the systems.
type System interface {
	// Name is what messages call it.
	Name() string

	// Quote writes an identifier.
	Quote(name string) string

	// Nth ends a statement that has an ORDER BY so that it returns only the row behind
	// n others.
	Nth(n int) string

	// Begin opens a transaction that only reads, and sees one moment if the system has
	// such. A statement of it may take as long as is said.
	Begin(ctx context.Context, db *sql.DB, statement time.Duration) (*sql.Tx, error)

	// Describe returns the tables that can be read; with a name, the one that it means.
	Describe(ctx context.Context, tx *sql.Tx, name string) ([]Table, error)

	// Fault says what an error of the driver means.
	Fault(err error) error
}

// Source is a connector.Source of a System.
type Source struct {
	db     *sql.DB
	system System
	limits limits
}

// limits bound a batch.
type limits struct {
	first int   // rows of the first page
	rows  int   // of a batch, unless a Read says another
	bytes int64 // of text
}

// Open connects to a database, which the Source closes.
func Open(ctx context.Context, db *sql.DB, system System) (*Source, error) {
	s := &Source{db: db, system: system, limits: limits{first: 2000, rows: 500_000, bytes: 96 << 20}}
	db.SetMaxOpenConns(1)
	if err := s.Check(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close implements connector.Source.
func (s *Source) Close() { _ = s.db.Close() }

// Check implements connector.Source.
func (s *Source) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ConnectTime)
	defer cancel()
	return s.fault(s.db.PingContext(ctx))
}

// fault says what an error means. A fault is what it is.
func (s *Source) fault(err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Unavailable, "source_timeout", "%s takes too long", s.system.Name()).WithHint("an index on the cursor and the key makes reading fast")
	}
	return s.system.Fault(err)
}

// Discover implements connector.Source.
func (s *Source) Discover(ctx context.Context) (all []connector.Relation, err error) {
	err = s.within(ctx, StatementTime, func(ctx context.Context, tx *sql.Tx) error {
		tables, err := s.system.Describe(ctx, tx, "")
		for _, t := range tables {
			all = append(all, t.relation())
		}
		return err
	})
	return all, err
}

// within does something in a transaction.
func (s *Source) within(ctx context.Context, statement time.Duration, do func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // what is left of a stream is not read
	tx, end, err := s.begin(ctx, statement)
	if err != nil {
		return s.fault(err)
	}
	defer end()
	return s.fault(do(ctx, tx))
}

// begin begins a transaction that nothing but end ends. One that ended by itself when ctx
// does would be rolled back beside Close, and a driver may lend the memory of a connection
// that is closed to the next one.
func (s *Source) begin(ctx context.Context, statement time.Duration) (tx *sql.Tx, end func(), err error) {
	lasting, stop := context.WithCancel(context.WithoutCancel(ctx))
	unlink := context.AfterFunc(ctx, stop) // while it begins
	defer unlink()
	if tx, err = s.system.Begin(lasting, s.db, statement); err != nil {
		stop()
		return nil, nil, cmp.Or(ctx.Err(), err)
	}
	return tx, func() {
		_ = tx.Rollback()
		stop()
	}, nil
}
