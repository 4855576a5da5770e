// Package sqlserver reads Microsoft SQL Server and Azure SQL: tables whole, or by a cursor
// column. It could not be tried against a real server: its tests are of the driver and the
// protocol, with a server of their own.
package sqlserver

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strings"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/sqltable"
	"github.com/tarnhq/tarn/shared/fault"
)

// Kind is the kind of connectors that read SQL Server.
const Kind connector.Kind = "sqlserver"

// Dial connects to an address as package outbound allows.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext implements mssql.Dialer.
func (d Dial) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// HostName implements mssql.HostDialer: names are resolved by Dial, which checks what they
// resolve to, and not by the driver.
func (Dial) HostName() string { return "" }

// Driver reaches SQL Server.
type Driver struct{ Dial Dial }

// Check implements connector.Driver.
func (Driver) Check(c connector.Config) error {
	if _, err := configOf(string(c.DSN.Reveal())); err != nil {
		return err
	}
	for _, t := range c.Tables {
		if t.Effective() == connector.Changes {
			return fault.New(fault.Invalid, "no_changes", "table %.80q cannot be read by its changes: a source of this kind has no log of them", t.Table).WithHint("use mode incremental, by a rowversion for one, or full")
		}
	}
	return c.NoSettings()
}

// session is what every session of ours is set to, whatever the server's settings.
const session = `SET LOCK_TIMEOUT 30000; SET TEXTSIZE -1; SET ANSI_NULLS ON; SET QUOTED_IDENTIFIER ON; SET ARITHABORT ON; SET DATEFORMAT ymd; SET DEADLOCK_PRIORITY LOW`

// Open implements connector.Driver.
func (d Driver) Open(ctx context.Context, c connector.Config) (connector.Source, error) {
	config, err := configOf(string(c.DSN.Reveal()))
	if err != nil {
		return nil, err
	}
	to := mssql.NewConnectorConfig(config)
	to.Dialer, to.SessionInitSQL = d.Dial, session
	source, err := sqltable.Open(ctx, sql.OpenDB(to), system{})
	if err != nil {
		return nil, err // and not a Source that is nil
	}
	return source, nil
}

// system is SQL Server as sqltable reads it.
type system struct{}

// Name implements sqltable.System.
func (system) Name() string { return "SQL Server" }

// Quote implements sqltable.System.
func (system) Quote(name string) string { return quote(name) }

func quote(name string) string { return "[" + strings.ReplaceAll(name, "]", "]]") + "]" }

// Nth implements sqltable.System.
func (system) Nth(n int) string { return fmt.Sprintf("OFFSET %d ROWS FETCH NEXT 1 ROWS ONLY", n) }

// snapshots asks whether the database keeps versions of rows, by which a transaction sees
// one moment.
const snapshots = `SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()`

// Begin implements sqltable.System. The server has no clock for statements: they are
// cancelled when their context ends.
func (system) Begin(ctx context.Context, db *sql.DB, _ time.Duration) (*sql.Tx, error) {
	var state int
	if err := db.QueryRowContext(ctx, snapshots).Scan(&state); err != nil {
		return nil, err
	}
	level := sql.LevelReadCommitted
	if state == 1 {
		level = sql.LevelSnapshot
	}
	return db.BeginTx(ctx, &sql.TxOptions{Isolation: level})
}
