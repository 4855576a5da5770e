package duck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
)

// View is a dataset as a caller's own SQL sees it. It can be made by another process
// than the one that wrote it down.
type View struct {
	SQL    string // creates the view, and what it needs; the tables must be there
	Tables []TailTable
}

// TailTable holds unsealed rows: of a part of a tail, the columns that are read.
type TailTable struct {
	Name string
	Rows rows.Batch
}

// ViewOf writes down what a caller sees of a snapshot whose segments are at some paths,
// in order. Of its columns only those that reads names may be read: another fails the
// statement. Rows that the caller does not see are left behind in a table before any of
// the statement's own conditions is looked at, or its errors and its plan would tell of
// them.
func ViewOf(schema string, over engine.Visible, paths []string, reads func(column string) bool) View {
	seen := over.View.Columns()
	s := sources{sealed: selection{refs: over.Segments, within: make([]bool, len(over.Segments))}, paths: paths}
	names := engine.ViewNames(seen)
	list, kept := make([]string, len(seen)), []string{}
	for i, f := range over.View.Fields() {
		list[i] = unread(seen[i]) + " AS " + sqltext.Identifier(names[i])
		if !reads(names[i]) && (over.Only == nil || over.Only.Column != names[i]) {
			continue
		}
		if f.Type == dataset.Time {
			f.Type = instant
		}
		s.add(f)
		list[i] = s.alias(f) + " AS " + sqltext.Identifier(names[i])
		kept = append(kept, s.alias(f))
	}
	s.addFilter(over.View.Rows)
	var v View
	for i, p := range over.Tail {
		if p.Rows.Len > 0 {
			t := TailTable{fmt.Sprintf("tail_%s_%d", over.Dataset.ID, i), narrowed(p.Rows, s.fields)}
			v.Tables = append(v.Tables, t)
			s.tail = append(s.tail, part{table: &table{name: t.Name}, columns: columnsOf(t.Rows), rows: t.Rows.Len})
		}
	}
	from := s.rows(query.Rows{Range: query.Unbounded, Filter: over.View.Rows})
	if over.View.Restricted() {
		table := fmt.Sprintf("seen_%s", over.Dataset.ID)
		v.SQL = fmt.Sprintf("CREATE TABLE %s AS SELECT %s\nFROM %s;\n", table, strings.Join(append(kept, "1 AS one"), ", "), from) // a table needs a column
		from = table
	}
	if len(list) == 0 {
		list = []string{"NULL AS nothing"} // a table that nothing was loaded into; a view needs a column
	}
	body := fmt.Sprintf("SELECT %s\nFROM %s", strings.Join(list, ", "), from)
	if over.Only != nil {
		body = v.only(over, body)
	}
	v.SQL += fmt.Sprintf("CREATE VIEW %s.%s AS %s", sqltext.Identifier(schema), sqltext.Identifier(string(over.Dataset.Name)), body)
	return v
}

// only leaves of some rows those of the parts that are asked for.
func (v *View) only(over engine.Visible, body string) string {
	t := TailTable{fmt.Sprintf("only_%s", over.Dataset.ID), over.Only.Values}
	v.Tables = append(v.Tables, t)
	part := engine.PartOf(over.Only.Column, over.Only.Grain)
	among := fmt.Sprintf("%s IN (SELECT %s FROM %s)", part, columnName(0), t.Name)
	switch periods := over.Only.Values; {
	case over.Only.Null:
		among += " OR " + part + " IS NULL"
	case over.Only.Grain != "" && periods.Len > 0: // the files tell by this what need not be read of them
		column, ends := sqltext.Identifier(over.Only.Column), periods.Columns[0].Ints
		among += fmt.Sprintf(" AND %s >= %s AND %s < %s + INTERVAL 1 %s", column, timestamp(slices.Min(ends)), column, timestamp(slices.Max(ends)), over.Only.Grain)
	}
	return fmt.Sprintf("SELECT * FROM (%s) AS r WHERE %s", body, among)
}

// fieldOf is the field that a column of a view holds.
func fieldOf(c dataset.Column) query.Field {
	if c.Type == dataset.Time {
		return query.Field{Name: c.Name, Type: instant}
	}
	return query.Field{Name: c.Name, Type: c.Type}
}

// unread writes a column of a view whose values were not brought along: to read it
// is an error, not a null.
func unread(c dataset.Column) string {
	return "CAST(error('a column is read that was not asked for') AS " + sqlTypes[fieldOf(c).Type] + ")"
}

// narrowed keeps the columns that some fields read.
func narrowed(b rows.Batch, f fields) rows.Batch {
	out := rows.Batch{Len: b.Len}
	for _, i := range neededColumns(b, f) {
		out.Columns = append(out.Columns, b.Columns[i])
	}
	return out
}

// OpenIsolated opens a database for one statement of a caller's own. It may read any
// file until Isolate has said which.
func OpenIsolated(ctx context.Context, threads int, memory int64) (*sql.DB, *sql.Conn, error) {
	db, err := openDatabase()
	if err != nil {
		return nil, nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("duckdb: %w", err), db.Close())
	}
	if err := execAll(ctx, conn, settingsOf(threads, memory)); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, conn, registerFunctions(conn)
}

// Isolate leaves a database the files at some paths, and locks that.
func Isolate(ctx context.Context, conn *sql.Conn, paths []string) error {
	quoted := make([]string, len(paths))
	for i, path := range paths {
		quoted[i] = sqltext.Literal(path)
	}
	return execAll(ctx, conn, []string{
		"SET allowed_paths = [" + strings.Join(quoted, ", ") + "]",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	})
}

// Create makes a view with its tables. The schema must be there.
func (v View) Create(ctx context.Context, conn *sql.Conn) error {
	for _, t := range v.Tables {
		if err := t.create(ctx, conn); err != nil {
			return err
		}
	}
	return execAll(ctx, conn, []string{v.SQL})
}

func (t TailTable) create(ctx context.Context, conn *sql.Conn) error {
	all := make([]int, len(t.Rows.Columns))
	for i := range all {
		all[i] = i
	}
	made, err := createTable(ctx, conn, t.Name, t.Rows, all)
	if err != nil {
		return err
	}
	return errors.Join(made.append(t.Rows), made.close())
}

func execAll(ctx context.Context, conn *sql.Conn, statements []string) error {
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("duckdb: %.200s: %w", s, err)
		}
	}
	return nil
}
