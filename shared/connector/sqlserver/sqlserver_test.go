package sqlserver_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/sqlserver"
	"github.com/tarnhq/tarn/shared/connector/sqlserver/tdstest"
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
	return sqlserver.Driver{Dial: outbound.Dialer(outbound.Options{Allow: loopback}).DialContext}
}

// TestTheDriverKeepsThePromisesOfAConnectorOverTheWire runs the suite through Microsoft's
// driver and its protocol. The server behind it is a test's: it runs the statements in
// SQLite, and knows no others than those that were read against SQL Server's grammar.
func TestTheDriverKeepsThePromisesOfAConnectorOverTheWire(t *testing.T) {
	connectortest.Suite{
		Kind: sqlserver.Kind, Driver: driver(t), Guarded: sqlserver.Driver{Dial: outbound.Dialer(outbound.Options{}).DialContext},
		Dialled: func(d connectortest.Dial) connector.Driver { return sqlserver.Driver{Dial: sqlserver.Dial(d)} },
		Origin:  func(t *testing.T) connectortest.Origin { return newOrigin(t) },
	}.Run(t)
}

const password = "s3cret-of-the-test"

// origin is a server with a database of a test's own.
type origin struct {
	*server
	address string
}

func newOrigin(t *testing.T) origin {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	s := &server{db: db, state: 1}
	s.exec(t, "ATTACH ':memory:' AS dbo")
	return origin{s, tdstest.Start(t, s)}
}

func (o origin) dsn(password string) secret.Value {
	return secret.New([]byte("sqlserver://reader:" + password + "@" + o.address + "/shop?encrypt=disable"))
}

func (o origin) DSN() secret.Value { return o.dsn(password) }

func (o origin) Password() string { return password }

func (o origin) WrongPassword() secret.Value { return o.dsn("wrong-" + password) }

func (s *server) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := s.db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (o origin) Make(t *testing.T, name string, wide int) {
	t.Helper()
	made := table{name: name, columns: []column{
		{name: "id", typ: "bigint", wire: tdstest.IntType(8), place: 1},
		{name: "at", typ: "datetime2", scale: 7, wire: tdstest.DateTime2Type},
		{name: "name", typ: "nvarchar", bytes: 200, nullable: true, wire: tdstest.NVarCharType},
	}}
	create := "CREATE TABLE dbo." + name + " (id INTEGER PRIMARY KEY, at TEXT, name TEXT"
	for i := range wide {
		made.columns = append(made.columns, column{name: fmt.Sprint("w", i), typ: "nvarchar", bytes: -1, nullable: true, wire: tdstest.NVarCharType})
		create += fmt.Sprintf(", w%d TEXT", i)
	}
	o.add(made)
	o.exec(t, create+")")
}

func (o origin) Put(t *testing.T, name string, items ...connectortest.Item) {
	t.Helper()
	for _, i := range items {
		args := []any{i.ID, i.At.UTC().Format(sqliteTime), sql.NullString{String: i.Name, Valid: i.Name != ""}}
		for len(args) < len(o.table(name).columns) {
			args = append(args, i.Wide)
		}
		o.exec(t, "REPLACE INTO dbo."+name+" VALUES (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
}

func (o origin) Delete(t *testing.T, name string, ids ...int64) {
	t.Helper()
	for _, id := range ids {
		o.exec(t, "DELETE FROM dbo."+name+" WHERE id = ?", id)
	}
}

// sqliteTime is how SQLite has the times of the server: their order is that of the texts.
const sqliteTime = "2006-01-02T15:04:05.0000000"

func TestATransactionSeesOneMomentWhereTheDatabaseKeepsVersions(t *testing.T) {
	for state, want := range map[int64]byte{0: 2, 1: 5, 2: 2, 3: 2} { // read committed, snapshot
		o := newOrigin(t)
		o.state = state
		o.Make(t, "things", 0)
		s, err := driver(t).Open(t.Context(), connector.Config{DSN: o.DSN()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if o.isolation != want {
			t.Errorf("in state %d the isolation is %d, want %d", state, o.isolation, want)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for number, want := range map[int32]string{229: "source_denied", 208: "unknown_table", 207: "unknown_column", 1222: "source_timeout", 40501: "source_busy", 40613: "source_unavailable", 4711: "source_error"} {
		o := newOrigin(t)
		o.failing = tdstest.Error{Number: number, Message: "no"}
		s, err := driver(t).Open(t.Context(), connector.Config{DSN: o.DSN()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Discover(t.Context())
		s.Close()
		if code := codeOf(err); code != want {
			t.Errorf("%d: %v, want %q", number, err, want)
		}
	}
	o := newOrigin(t)
	dsn := strings.Replace(string(o.DSN().Reveal()), "disable", "true", 1)
	if _, err := driver(t).Open(t.Context(), connector.Config{DSN: secret.New([]byte(dsn))}); codeOf(err) != "source_refused" {
		t.Errorf("encryption that the server has not: %v", err)
	}
}

var noon = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
