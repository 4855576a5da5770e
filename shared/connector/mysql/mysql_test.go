package mysql_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/mysql"
	"github.com/tarnhq/tarn/shared/connector/mysql/mysqltest"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/secret"
)

// driver may reach this machine.
func driver(t *testing.T) connector.Driver {
	t.Helper()
	loopback, err := outbound.ParseNetworks("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	return mysql.Driver{Dial: outbound.Dialer(outbound.Options{Allow: loopback}).DialContext}
}

func TestMariaDBKeepsThePromisesOfAConnector(t *testing.T) {
	server := mysqltest.Start(t)
	connectortest.Suite{
		Kind: mysql.Kind, Driver: driver(t), Guarded: mysql.Driver{Dial: outbound.Dialer(outbound.Options{}).DialContext},
		Dialled: func(d connectortest.Dial) connector.Driver { return mysql.Driver{Dial: mysql.Dial(d)} },
		Origin:  func(t *testing.T) connectortest.Origin { return newOrigin(t, server) },
	}.Run(t)
}

var databases atomic.Int32

// origin is a database of a test's own.
type origin struct {
	server   mysqltest.Server
	database string
	db       *sql.DB
	wide     map[string]int // of the tables
}

func newOrigin(t *testing.T, server mysqltest.Server) origin {
	t.Helper()
	name := fmt.Sprint("test", databases.Add(1))
	return origin{server, name, server.Open(t, name), map[string]int{}}
}

func (o origin) DSN() secret.Value { return secret.New([]byte(o.server.DSN(o.database))) }

func (o origin) Password() string { return mysqltest.Password }

func (o origin) WrongPassword() secret.Value {
	return secret.New([]byte(strings.Replace(o.server.DSN(o.database), "s3cret", "wrong-s3cret", 1)))
}

func (o origin) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := o.db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (o origin) Make(t *testing.T, table string, wide int) {
	t.Helper()
	more := ""
	for i := range wide {
		more += fmt.Sprintf(", w%d text", i)
	}
	o.wide[table] = wide
	o.exec(t, fmt.Sprintf("CREATE TABLE %s (id bigint PRIMARY KEY, at datetime(6) NOT NULL, name varchar(100)%s)", table, more))
}

func (o origin) Put(t *testing.T, table string, items ...connectortest.Item) {
	t.Helper()
	for _, i := range items {
		args := []any{i.ID, i.At.UTC(), sql.NullString{String: i.Name, Valid: i.Name != ""}}
		for range o.wide[table] {
			args = append(args, i.Wide)
		}
		o.exec(t, fmt.Sprintf("REPLACE INTO %s VALUES (?%s)", table, strings.Repeat(", ?", len(args)-1)), args...)
	}
}

func (o origin) Delete(t *testing.T, table string, ids ...int64) {
	t.Helper()
	for _, id := range ids {
		o.exec(t, fmt.Sprintf("DELETE FROM %s WHERE id = ?", table), id)
	}
}
