// Package mysql reads MySQL and MariaDB: tables whole, or by a cursor column. Neither has
// a log of changes that a user with ordinary rights may read, so there is none here.
package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/sqltable"
	"github.com/tarnhq/tarn/shared/fault"
)

// Kind is the kind of connectors that read MySQL and MariaDB.
const Kind connector.Kind = "mysql"

// Dial connects to an address as package outbound allows.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Driver reaches MySQL and MariaDB.
type Driver struct{ Dial Dial }

// Check implements connector.Driver.
func (Driver) Check(c connector.Config) error {
	if _, err := configOf(string(c.DSN.Reveal())); err != nil {
		return err
	}
	for _, t := range c.Tables {
		if t.Effective() == connector.Changes {
			return fault.New(fault.Invalid, "no_changes", "table %.80q cannot be read by its changes: a source of this kind has no log of them", t.Table).WithHint("use mode incremental or full")
		}
	}
	return c.NoSettings()
}

// Open implements connector.Driver.
func (d Driver) Open(ctx context.Context, c connector.Config) (connector.Source, error) {
	config, err := configOf(string(c.DSN.Reveal()))
	if err != nil {
		return nil, err
	}
	config.DialFunc = d.Dial
	to, err := mysql.NewConnector(config)
	if err != nil {
		return nil, badDSN() // without the cause, which may quote it
	}
	source, err := sqltable.Open(ctx, sql.OpenDB(session{to}), system{database: config.DBName})
	if err != nil {
		return nil, err // and not a Source that is nil
	}
	return source, nil
}

// begun is what every session of ours is set to: it cannot write, waits for no lock for
// long, and has values written in one way whatever the server's settings. An empty
// sql_mode lets dates be compared that the calendar has not.
const begun = `SET SESSION sql_mode = '', time_zone = '+00:00', lock_wait_timeout = 30, wait_timeout = 900, net_write_timeout = 600`

// session opens connections that are set so.
type session struct{ driver.Connector }

// Connect implements driver.Connector.
func (s session) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{begun, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"} {
		if _, err := c.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			_ = c.Close()
			return nil, err
		}
	}
	return c, nil
}

// system is MySQL or MariaDB as sqltable reads it.
type system struct {
	database string // of tables that are named without one
}

// Name implements sqltable.System.
func (system) Name() string { return "MySQL" }

// Quote implements sqltable.System.
func (system) Quote(name string) string { return quote(name) }

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// Nth implements sqltable.System.
func (system) Nth(n int) string { return fmt.Sprint("LIMIT 1 OFFSET ", n) }

// limit bounds statements. Of the two comments each server reads its own: the one counts
// in milliseconds, the other in seconds.
const limit = `SET SESSION /*!50708 max_execution_time = %d */ /*M! max_statement_time = %d */`

// Begin implements sqltable.System.
func (system) Begin(ctx context.Context, db *sql.DB, statement time.Duration) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(limit, statement.Milliseconds(), int(statement.Seconds()))); err != nil {
		_ = tx.Rollback()
		return nil, err
	}
	return tx, nil
}
