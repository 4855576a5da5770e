package mysql_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/mysql/mysqltest"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// whole reads a table whole.
func whole(t *testing.T, s connector.Source, table string) (all []string, err error) {
	t.Helper()
	for b, err := range s.Read(t.Context(), connector.Read{Table: connector.Table{Table: table, Mode: connector.Full}}) {
		if err != nil {
			return nil, err
		}
		for row := range b.Rows.Len {
			all = append(all, string(b.Rows.AppendJSON(nil, row)))
		}
	}
	return all, nil
}

func TestASessionHasItsOwnZoneAndLimits(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	o.exec(t, "SET GLOBAL time_zone = '+05:45'")
	o.exec(t, "CREATE FUNCTION told(name varchar(40)) RETURNS text RETURN CASE name WHEN 'zone' THEN @@time_zone WHEN 'lock' THEN @@lock_wait_timeout ELSE ROUND(@@max_statement_time) END")
	o.exec(t, "CREATE VIEW things AS SELECT told('zone') AS zone, told('lock') AS locks, told('most') AS most, 1 AS at")
	s := o.source(t)
	got, err := whole(t, s, "things")
	if diff := cmp.Diff([]string{`{"zone":"+00:00","locks":"30","most":"3600","at":1}`}, got); diff != "" || err != nil {
		t.Errorf("%v, whole: -want +got:\n%s", err, diff)
	}
	for b, err := range s.Read(t.Context(), connector.Read{Table: connector.Table{Table: "things", Cursor: "at"}}) {
		if err != nil || string(b.Rows.Columns[2].Text(0)) != "300" {
			t.Errorf("by pages: %v, %v", b.Rows, err)
		}
	}
}

func TestAWholeTableIsAsItWasAtOneMoment(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	o.exec(t, "CREATE TABLE things (n int PRIMARY KEY, wide text) SELECT seq AS n, REPEAT('w', 1000) AS wide FROM seq_1_to_20000")
	rows := 0
	for b, err := range o.source(t).Read(t.Context(), connector.Read{Table: connector.Table{Table: "things", Mode: connector.Full}, Rows: 1000}) {
		if err != nil {
			t.Fatal(err)
		}
		if rows == 0 {
			o.exec(t, "DELETE FROM things WHERE n > 5000")
			o.exec(t, "INSERT INTO things SELECT seq, 'late' FROM seq_30000_to_31000")
		}
		if b.Rows.Len > 1000 {
			t.Errorf("a batch of %d rows", b.Rows.Len)
		}
		rows += b.Rows.Len
	}
	if rows != 20000 {
		t.Errorf("%d rows", rows)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	o.exec(t, "CREATE TABLE things (id bigint PRIMARY KEY, at int)")
	o.exec(t, "CREATE TABLE hidden (id bigint PRIMARY KEY, secret int)")
	o.exec(t, "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'p'; GRANT SELECT ON things TO reader@'127.0.0.1'; GRANT SELECT (id) ON hidden TO reader@'127.0.0.1'; GRANT INSERT ON hidden TO reader@'127.0.0.1'")
	dsn := o.server.DSN(o.database)
	reader := strings.Replace(dsn, mysqltest.User+":"+mysqltest.Password, "reader:p", 1)
	for claim, c := range map[string]struct{ dsn, table, want string }{
		"a database that is not there":             {dsn: strings.Replace(dsn, o.database, "nothing", 1), want: "source_refused"},
		"a certificate that nobody has signed":     {dsn: strings.Replace(dsn, "disable", "verify-full", 1), want: "source_refused"},
		"any certificate":                          {dsn: strings.Replace(dsn, "disable", "require", 1), table: "things"},
		"no word of certificates":                  {dsn: strings.Replace(dsn, "?tls=disable", "", 1), table: "things"},
		"what the user may read":                   {dsn: reader, table: "things"},
		"columns of which one may not be read":     {dsn: reader, table: "hidden", want: "source_denied"},
		"a database of which nothing may be known": {dsn: reader, table: "mysql.user", want: "unknown_table"},
		"another database":                         {dsn: dsn, table: "mysql.plugin"},
	} {
		t.Run(claim, func(t *testing.T) {
			err := func() error {
				s, err := driver(t).Open(t.Context(), connector.Config{DSN: secret.New([]byte(c.dsn))})
				if err != nil {
					return err
				}
				defer s.Close()
				_, err = whole(t, s, c.table)
				return err
			}()
			var known *fault.Error
			if errors.As(err, &known); c.want == "" && err != nil || c.want != "" && (known == nil || known.Code != c.want || known.Hint == "") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestAConnectionThatTheServerEndsMayBeTriedAgain(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	o.exec(t, "CREATE TABLE things (n int PRIMARY KEY, wide text) SELECT seq AS n, REPEAT('w', 10000) AS wide FROM seq_1_to_20000")
	s := o.source(t)
	var last error
	for _, err := range s.Read(t.Context(), connector.Read{Table: connector.Table{Table: "things", Mode: connector.Full}, Rows: 100}) {
		if last == nil {
			o.exec(t, "BEGIN NOT ATOMIC DECLARE victim int; SELECT id INTO victim FROM information_schema.PROCESSLIST WHERE db = ? AND id <> CONNECTION_ID() AND COMMAND <> 'Sleep' LIMIT 1; KILL victim; END", o.database)
		}
		last = err
		if err == nil {
			last = context.Canceled // not nil: the server was told once
		}
	}
	if !fault.Is(last, fault.Unavailable) {
		t.Errorf("%v", last)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
