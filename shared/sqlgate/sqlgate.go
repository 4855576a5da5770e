// Package sqlgate decides whether a caller's SQL may run. The text is parsed and
// never prepared: preparing a text of several statements runs all but the last of
// them. DuckDB's own parser gives the syntax tree; what is not known to be harmless
// in it is refused: statements, clauses, types, functions, tables.
//
// What runs afterwards is not the caller's text but the one that DuckDB writes from
// the checked tree, and only if that one reads as the same tree again. The tables in
// it stand in a schema of their own, so that a name means a dataset or nothing.
package sqlgate

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Schema holds the views that a checked text reads.
const Schema = "datasets"

// MaxText is the longest text in bytes.
const MaxText = 100 << 10

// Query is a text that may run.
type Query struct {
	Text       string         // of one SELECT over views of Schema
	Datasets   []dataset.Name // what it reads, in alphabetical order
	Parameters []string       // their names, "1" and so on, or words; in order
	Names      []string       // every text in the tree, in lower case and alphabetical order; a column that is not among them is not read
	Whole      bool           // columns may be read that Names does not name

	Tree map[string]any `json:"-"` // DuckDB's, of the checked text
}

// Reads reports whether the query may read a column of a dataset.
func (q Query) Reads(column string) bool {
	_, named := slices.BinarySearch(q.Names, strings.ToLower(column))
	return q.Whole || named
}

// Read parses a text on a connection whose database holds nothing, checks it, and
// returns what may run. A text that may not is fault.Invalid.
func Read(ctx context.Context, conn *sql.Conn, text string) (Query, error) {
	if err := checkText(text); err != nil {
		return Query{}, err
	}
	tree, err := parse(ctx, conn, text)
	if err != nil {
		return Query{}, err
	}
	w := newWalk()
	if err := w.statement(tree); err != nil {
		return Query{}, err
	}
	written, err := write(ctx, conn, tree)
	if err != nil {
		return Query{}, err
	}
	again, err := parse(ctx, conn, written)
	if err != nil {
		return Query{}, err
	}
	if !same(tree, again) {
		return Query{}, refuse("sql_construct", "the statement uses a construct that cannot be checked").
			WithHint("write it another way: UNPIVOT and PIVOT as CASE or UNION ALL")
	}
	q := w.query()
	q.Text, q.Tree = written, tree
	return q, nil
}

func refuse(code, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, code, format, args...)
}

// checkText refuses what the parser would read otherwise than it stands there.
func checkText(text string) error {
	switch {
	case len(text) > MaxText:
		return fault.New(fault.TooLarge, "sql_too_large", "a statement has at most %d bytes", MaxText)
	case strings.TrimSpace(text) == "":
		return refuse("sql_empty", "there is no statement").WithHint(`send {"sql": "select …"}`)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return refuse("sql_text", "the statement is not text in UTF-8, or holds NUL")
	}
	return nil
}

// node is an object of a syntax tree.
type node = map[string]any

// parse returns the tree of a text of one SELECT.
func parse(ctx context.Context, conn *sql.Conn, text string) (node, error) {
	var serialized sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", text).Scan(&serialized); err != nil {
		return nil, fmt.Errorf("sql gate: parse: %w", err)
	}
	var parsed struct {
		Error      bool   `json:"error"`
		Kind       string `json:"error_type"`
		Message    string `json:"error_message"`
		Statements []node `json:"statements"`
	}
	d := json.NewDecoder(strings.NewReader(serialized.String))
	d.UseNumber()
	if err := d.Decode(&parsed); err != nil {
		return nil, refuse("sql_construct", "the statement is nested too deeply, or holds a number that is none").Because(err)
	}
	switch {
	case parsed.Error && parsed.Kind == "parser":
		return nil, refuse("sql_syntax", "%s", parsed.Message)
	case parsed.Error || len(parsed.Statements) == 0:
		return nil, notSelect()
	case len(parsed.Statements) > 1:
		return nil, refuse("sql_many_statements", "there are %d statements", len(parsed.Statements)).WithHint("send one SELECT")
	}
	return parsed.Statements[0], nil
}

func notSelect() error {
	return refuse("sql_not_select", "this is not a SELECT").WithHint("data is read here and never changed: send one SELECT")
}

// write returns the text that DuckDB makes of a tree.
func write(ctx context.Context, conn *sql.Conn, tree node) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(node{"error": false, "statements": []any{tree}}); err != nil {
		return "", fmt.Errorf("sql gate: %w", err)
	}
	var text sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT json_deserialize_sql(CAST(CAST(? AS VARCHAR) AS JSON))", b.String()).Scan(&text); err != nil {
		if ctx.Err() != nil {
			return "", errors.Join(ctx.Err(), err)
		}
		return "", refuse("sql_construct", "the statement holds a value that cannot be checked: a number past any float, perhaps").Because(err)
	}
	return text.String, nil
}
