package sqlrun

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// answered is an answer in the form in which it leaves the process.
type answered struct {
	head   head
	values []byte
}

// run makes the views, locks the database and runs the checked text.
func run(ctx context.Context, conn *sql.Conn, q sqlgate.Query, w work) (answered, error) {
	rows, columns, err := begin(ctx, conn, q, w, w.MaxRows+1)
	if err != nil {
		return answered{}, err
	}
	defer rows.Close()
	return read(rows, columns, w)
}

// begin makes the views, locks the database and runs the checked text up to its first row.
func begin(ctx context.Context, conn *sql.Conn, q sqlgate.Query, w work, limit int) (*sql.Rows, []column, error) {
	if _, err := conn.ExecContext(ctx, "CREATE SCHEMA "+sqlgate.Schema); err != nil {
		return nil, nil, err
	}
	if err := duck.Isolate(ctx, conn, w.Paths); err != nil {
		return nil, nil, err
	}
	for _, v := range w.Views {
		if err := v.Create(ctx, conn); err != nil {
			return nil, nil, fmt.Errorf("view: %w", err)
		}
	}
	args := make([]any, len(w.Arguments))
	for i, a := range w.Arguments {
		args[i] = a.Value
		if a.Name[0] > '9' {
			args[i] = sql.Named(a.Name, a.Value)
		}
	}
	columns, err := describe(ctx, conn, q.Text, args)
	if err != nil {
		return nil, nil, err
	}
	rows, err := conn.QueryContext(ctx, transported(q.Text, columns, limit), args...)
	return rows, columns, err
}

// column is a column of an answer.
type column struct {
	name string
	kind *kind
}

// describe binds a text without running it and returns its columns.
func describe(ctx context.Context, conn *sql.Conn, text string, args []any) ([]column, error) {
	rows, err := conn.QueryContext(ctx, "DESCRIBE "+text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var columns []column
	for rows.Next() {
		var name, typ string
		var unused any
		if err := rows.Scan(&name, &typ, &unused, &unused, &unused, &unused); err != nil {
			return nil, err
		}
		k, err := parseKind(typ)
		if err != nil {
			return nil, err
		}
		columns = append(columns, column{name, k})
	}
	return columns, rows.Err()
}

// transported writes a statement that gives the rows of another, up to a limit, with
// every value of a type that comes through the driver as it is.
func transported(text string, columns []column, limit int) string {
	names, values := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("c%d", i)
		values[i] = names[i]
		if to := c.kind.transport(); to != c.kind.String() {
			values[i] = "CAST(" + names[i] + " AS " + to + ")"
		}
	}
	return fmt.Sprintf("SELECT %s FROM (%s) AS r(%s) LIMIT %d", strings.Join(values, ", "), text, strings.Join(names, ", "), limit)
}

// read takes up to the limits of an answer.
func read(rows *sql.Rows, columns []column, w work) (answered, error) {
	var out answered
	scanned, places := make([]any, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		places[i] = &scanned[i]
		out.head.Columns = append(out.head.Columns, query.Column{Name: c.name, Type: c.kind.answer()})
	}
	size := 0
	for rows.Next() {
		if out.head.Rows == w.MaxRows {
			out.head.Truncated = true
			return out, nil
		}
		if err := rows.Scan(places...); err != nil {
			return answered{}, err
		}
		for i, v := range scanned {
			value, err := columns[i].kind.value(v)
			if err != nil {
				return answered{}, err
			}
			size += value.Size()
			out.values = value.AppendBinary(out.values)
		}
		if size > w.MaxAnswer {
			return answered{}, fault.New(fault.Invalid, "answer_too_large", "the answer is larger than %d MiB", w.MaxAnswer>>20).
				WithHint("add a LIMIT, or select fewer columns with long texts")
		}
		out.head.Rows++
	}
	return out, rows.Err()
}

// clean gives DuckDB's errors their kinds, and takes the places of files out of them.
func clean(err error, paths []string) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var failed *duckdb.Error
	if !errors.As(err, &failed) {
		return err
	}
	message, _, _ := strings.Cut(failed.Msg, "\n\nLINE ") // which shows the text as it was rewritten
	for _, path := range paths {
		message = strings.ReplaceAll(message, path, "a segment")
	}
	message = strings.TrimSpace(settings.ReplaceAllString(strings.ReplaceAll(message, sqlgate.Schema+".", ""), ""))
	switch failed.Type {
	case duckdb.ErrorTypeOutOfMemory:
		return noMemory()
	case duckdb.ErrorTypeInternal, duckdb.ErrorTypeFatal, duckdb.ErrorTypeIO:
		return err
	case duckdb.ErrorTypePermission:
		return fault.New(fault.Invalid, "sql_denied", "the statement tried to do what it may not")
	}
	return fault.New(fault.Invalid, "sql_error", "%s", message)
}

// settings are DuckDB's advice to change its own, which a caller cannot.
var settings = regexp.MustCompile(`(?i)[^.\n]*\bSET [a-z_]+ ?(=|TO)[^\n]*`)
