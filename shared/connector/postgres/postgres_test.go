package postgres_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/postgres"
	"github.com/tarnhq/tarn/shared/connector/postgres/postgrestest"
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
	return postgres.Driver{Dial: outbound.Dialer(outbound.Options{Allow: loopback}).DialContext}
}

func TestPostgresKeepsThePromisesOfAConnector(t *testing.T) {
	server := postgrestest.Start(t)
	connectortest.Suite{
		Kind: postgres.Kind, Driver: driver(t), Guarded: postgres.Driver{Dial: outbound.Dialer(outbound.Options{}).DialContext},
		Dialled: func(d connectortest.Dial) connector.Driver { return postgres.Driver{Dial: postgres.Dial(d)} },
		Origin:  func(t *testing.T) connectortest.Origin { return newOrigin(t, server) },
	}.Run(t)
}

var databases atomic.Int32

// origin is a database of a test's own.
type origin struct {
	postgrestest.Server
	database string
}

func newOrigin(t *testing.T, server postgrestest.Server) origin {
	t.Helper()
	o := origin{server, fmt.Sprint("test", databases.Add(1))}
	o.Create(t, o.database)
	return o
}

func (o origin) DSN() secret.Value { return secret.New([]byte(o.Server.DSN(o.database))) }

func (o origin) Password() string { return postgrestest.Password }

func (o origin) WrongPassword() secret.Value {
	return secret.New([]byte(strings.Replace(o.Server.DSN(o.database), "s3cret", "wrong-s3cret", 1)))
}

func (o origin) exec(t *testing.T, format string, args ...any) {
	t.Helper()
	o.Exec(t, o.database, fmt.Sprintf(format, args...))
}

func (o origin) Make(t *testing.T, table string, wide int) {
	t.Helper()
	more := ""
	for i := range wide {
		more += fmt.Sprintf(", w%d text", i)
	}
	o.exec(t, "CREATE TABLE %s (id bigint PRIMARY KEY, at timestamptz NOT NULL, name text%s)", table, more)
}

func (o origin) Put(t *testing.T, table string, items ...connectortest.Item) {
	t.Helper()
	for _, i := range items {
		o.exec(t, `DO $$ DECLARE c text; BEGIN
			INSERT INTO %[1]s (id, at, name) VALUES (%[2]d, '%[3]s', nullif('%[4]s', '')) ON CONFLICT (id) DO UPDATE SET at = excluded.at, name = excluded.name;
			FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = '%[1]s'::regclass AND attname ~ '^w[0-9]' LOOP
				EXECUTE format('UPDATE %[1]s SET %%I = $1 WHERE id = $2', c) USING '%[5]s', %[2]d;
			END LOOP; END $$`, table, i.ID, i.At.Format(time.RFC3339Nano), i.Name, i.Wide)
	}
}

func (o origin) Delete(t *testing.T, table string, ids ...int64) {
	t.Helper()
	for _, id := range ids {
		o.exec(t, "DELETE FROM %s WHERE id = %d", table, id)
	}
}

func TestABatchHasAsManyRowsAsTheConnectorSays(t *testing.T) {
	o := newOrigin(t, postgrestest.Start(t))
	o.exec(t, "CREATE TABLE things (id bigint PRIMARY KEY, at timestamptz NOT NULL); INSERT INTO things SELECT i, '2026-03-29'::timestamptz + i * interval '1 hour' FROM generate_series(1, 1000) i")
	w := connectortest.NewWorld(connector.Drivers{postgres.Kind: driver(t)})
	c := w.Create(t, connector.Spec{Name: "crm", Kind: postgres.Kind, DSN: o.DSN(), BatchRows: 300,
		Tables: []connector.Table{{Table: "things", Dataset: "things", Cursor: "at", Key: []string{"id"}}}})
	w.Sync(t, c, false)
	if got := len(w.State(t, "things").Segments); got != 4 || len(w.Has(t, "things")) != 1000 {
		t.Errorf("%d rows in %d loads", len(w.Has(t, "things")), got)
	}
}
