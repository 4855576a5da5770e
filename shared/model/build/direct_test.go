package build

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// direct runs statements in this process, which properties can afford thousands of. What
// sqlrun does with the same views is tested there and in TestAModelIsBuiltBesideThisProcess.
type direct struct {
	files *local.Files
	idle  *[]database // opening one takes longer than most statements
}

type database struct {
	db   *sql.DB
	conn *sql.Conn
}

func newDirect(t testing.TB, store blob.Store) direct {
	t.Helper()
	files, err := local.New(store, t.TempDir(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	d := direct{files, &[]database{}}
	t.Cleanup(func() {
		for _, idle := range *d.idle {
			idle.db.Close()
		}
	})
	return d
}

// with gives a statement a database without anything in it.
func (d direct) with(ctx context.Context, text string, do func(*sql.Conn, sqlgate.Query) error) (err error) {
	var own database
	if n := len(*d.idle); n > 0 {
		own, *d.idle = (*d.idle)[n-1], (*d.idle)[:n-1]
	} else if own.db, own.conn, err = duck.OpenIsolated(ctx, 1, 512<<20); err != nil {
		return err
	}
	defer func() {
		if failed := empty(context.WithoutCancel(ctx), own.conn); failed != nil {
			err = errors.Join(err, failed, own.db.Close())
			return
		}
		*d.idle = append(*d.idle, own)
	}()
	q, err := sqlgate.Read(ctx, own.conn, text)
	if err != nil {
		return err
	}
	return do(own.conn, q)
}

// empty drops what a statement's views were made of.
func empty(ctx context.Context, conn *sql.Conn) error {
	var drop sql.NullString
	tables := conn.QueryRowContext(ctx, `SELECT string_agg('DROP TABLE "' || table_name || '"', ';') FROM duckdb_tables()`)
	if err := tables.Scan(&drop); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+sqlgate.Schema+" CASCADE;"+drop.String)
	return err
}

func (d direct) Read(ctx context.Context, text string) (found sqlgate.Query, err error) {
	err = d.with(ctx, text, func(_ *sql.Conn, q sqlgate.Query) error { found = q; return nil })
	return found, err
}

func (d direct) Run(ctx context.Context, s engine.Statement) (out query.Result, err error) {
	err = d.Stream(ctx, s, func(columns []query.Column, rows [][]query.Value) error {
		out.Columns, out.Rows = columns, append(out.Rows, rows...)
		return nil
	})
	return out, err
}

func (d direct) Stream(ctx context.Context, s engine.Statement, each func([]query.Column, [][]query.Value) error) error {
	return d.with(ctx, s.SQL, func(conn *sql.Conn, q sqlgate.Query) error {
		if _, err := conn.ExecContext(ctx, "CREATE SCHEMA "+sqlgate.Schema); err != nil {
			return err
		}
		for _, name := range q.Datasets {
			over, err := s.Open(ctx, name)
			if err != nil {
				return err
			}
			wants := make([]local.Want, len(over.Segments))
			for i, ref := range over.Segments {
				wants[i] = local.Want{Ref: ref, All: true}
			}
			paths, release, err := d.files.Open(ctx, wants)
			if err != nil {
				return err
			}
			defer release()
			if err := duck.ViewOf(sqlgate.Schema, over, paths, q.Reads).Create(ctx, conn); err != nil {
				return err
			}
		}
		rows, err := conn.QueryContext(ctx, q.Text)
		if err != nil {
			return err
		}
		defer rows.Close()
		return hand(rows, each)
	})
}

func hand(rows *sql.Rows, each func([]query.Column, [][]query.Value) error) error {
	kinds, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	var columns []query.Column
	for _, k := range kinds {
		t := query.Text
		switch name := k.DatabaseTypeName(); {
		case strings.HasPrefix(name, "TIMESTAMP"):
			t = query.Timestamp
		case name == "DATE":
			t = query.Date
		case strings.HasSuffix(name, "INT") || name == "INTEGER":
			t = query.Int
		case name == "DOUBLE":
			t = query.Float
		case name == "BOOLEAN":
			t = query.Bool
		}
		columns = append(columns, query.Column{Name: k.Name(), Type: t})
	}
	for rows.Next() {
		scanned, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range places {
			places[i] = &scanned[i]
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		values := make([]query.Value, len(columns))
		for i, v := range scanned {
			values[i] = valueOf(v, columns[i].Type)
		}
		if err := each(columns, [][]query.Value{values}); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return each(columns, nil)
}

func valueOf(v any, t query.Type) query.Value {
	switch v := v.(type) {
	case nil:
		return query.Value{}
	case bool:
		return query.BoolValue(v)
	case float64:
		return query.FloatValue(v)
	case string:
		return query.TextValue(v)
	case *big.Int:
		return query.BigValue(v)
	case time.Time:
		if t == query.Date {
			return query.TextValue(v.Format(time.DateOnly))
		}
		return query.TimeValue(v.UnixMicro())
	}
	i, ok := new(big.Int).SetString(fmt.Sprint(v), 10)
	if !ok {
		panic(fmt.Sprintf("a value of type %T", v))
	}
	return query.BigValue(i)
}
