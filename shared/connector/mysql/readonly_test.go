package mysql

import (
	"database/sql"
	"net"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/tarnhq/tarn/shared/connector/mysql/mysqltest"
	"github.com/tarnhq/tarn/shared/connector/sqltable"
)

func TestASessionCannotWriteWhateverItsUserMay(t *testing.T) {
	server := mysqltest.Start(t)
	if _, err := server.Open(t, "readonly").Exec("CREATE TABLE things (n int)"); err != nil {
		t.Fatal(err)
	}
	config, err := configOf(server.DSN("readonly"))
	if err != nil {
		t.Fatal(err)
	}
	config.DialFunc = (&net.Dialer{}).DialContext
	to, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(session{to})
	defer func() { _ = db.Close() }()
	refused := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "READ ONLY transaction") {
			t.Errorf("a write: %v", err)
		}
	}
	_, err = db.ExecContext(t.Context(), "INSERT INTO things VALUES (1)")
	refused(err)
	tx, err := system{}.Begin(t.Context(), db, sqltable.StatementTime)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.ExecContext(t.Context(), "DROP TABLE things")
	refused(err)
	_ = tx.Rollback()
	if _, err = db.ExecContext(t.Context(), "SELECT 1; DROP TABLE things"); err == nil {
		t.Error("two statements went at a time")
	}
}
