package duck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// tailIdle is how long a tail table of a dataset outlives its last use.
const tailIdle = time.Minute

// tails keeps a table in memory for each part of a tail that queries read, so that
// a query pays only for the rows that came since the one before. A table holds the
// columns that were asked for; a query that asks for another begins a new table.
type tails struct {
	now func() time.Time

	mu     sync.Mutex // of all below, and of appending
	conn   *sql.Conn
	tables map[partID]*table
	made   int // tables so far, which names them
}

// partID names a part: their numbers need not differ between datasets.
type partID struct {
	dataset  dataset.ID
	part     uint64
	replaced int // tells tables apart that gave way to one with more columns; else zero
}

// part is a view of the first rows of a table.
type part struct {
	table   *table
	columns []dataset.Column
	rows    int
	days    []segment.Day // of the table, ascending
}

func newTails(conn *sql.Conn, now func() time.Time) *tails {
	return &tails{now: now, conn: conn, tables: map[partID]*table{}}
}

// open brings the tables of a snapshot's tail up to date. They stay until release
// is called.
func (t *tails) open(ctx context.Context, id dataset.ID, tail []snapshot.Part, f fields) ([]part, func(), error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []part
	release := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, p := range parts {
			p.table.readers--
		}
	}
	if err := errors.Join(t.sweep(ctx, id, tail), t.shed(ctx, maxTables)); err != nil {
		return nil, nil, err
	}
	for _, p := range tail {
		if p.Rows.Len == 0 {
			continue
		}
		table, err := t.fill(ctx, partID{dataset: id, part: p.ID}, p.Rows, f)
		if err != nil && noMemory(err) {
			if err = t.shed(ctx, 0); err == nil {
				table, err = t.fill(ctx, partID{dataset: id, part: p.ID}, p.Rows, f)
			}
		}
		if err != nil {
			for _, p := range parts {
				p.table.readers--
			}
			return nil, nil, err
		}
		table.readers++
		parts = append(parts, part{table: table, columns: columnsOf(p.Rows), rows: p.Rows.Len, days: table.days})
	}
	return parts, release, nil
}

func columnsOf(b rows.Batch) []dataset.Column {
	out := make([]dataset.Column, len(b.Columns))
	for i, c := range b.Columns {
		out[i] = c.Column
	}
	return out
}

// fill finds or makes the table of a part and appends the rows that it lacks.
func (t *tails) fill(ctx context.Context, id partID, batch rows.Batch, f fields) (*table, error) {
	held := t.tables[id]
	needed := neededColumns(batch, f)
	if held == nil || !held.holds(needed) {
		if held != nil {
			needed = union(held.columns, needed)
		}
		made, err := t.create(ctx, batch, needed)
		if err != nil {
			return nil, err
		}
		if held != nil {
			t.tables[partID{dataset: id.dataset, replaced: t.made}] = held // until its readers are done
		}
		t.tables[id], held = made, made
	}
	held.used = t.now()
	if err := held.append(batch); err != nil {
		delete(t.tables, id) // what it holds is unknown
		return nil, errors.Join(err, t.drop(ctx, held))
	}
	return held, nil
}

func (t *tails) create(ctx context.Context, batch rows.Batch, columns []int) (*table, error) {
	t.made++
	return createTable(ctx, t.conn, fmt.Sprintf("tail%d", t.made), batch, columns)
}

// createTable makes a table of some columns of a batch, ready to be appended to.
func createTable(ctx context.Context, conn *sql.Conn, name string, batch rows.Batch, columns []int) (*table, error) {
	made := &table{name: name, columns: columns}
	declared := []string{"n BOOLEAN"} // a table needs a column
	for _, c := range columns {
		declared = append(declared, columnName(c)+" "+sqlTypes[batch.Columns[c].Type])
	}
	if _, err := conn.ExecContext(ctx, "CREATE TABLE "+made.name+" ("+strings.Join(declared, ", ")+")"); err != nil {
		return nil, err
	}
	return made, conn.Raw(made.openAppender)
}

// sweep drops tables that nobody reads and nobody will: of parts that the dataset's
// tail no longer has, and of datasets that nobody asks. (A query of an older version
// that comes later fills its table again. A snapshot without a tail says nothing of
// the tail: it may be a part of one.)
func (t *tails) sweep(ctx context.Context, id dataset.ID, tail []snapshot.Part) error {
	for key, table := range t.tables {
		current := key.dataset != id || len(tail) == 0 || key.replaced == 0 && slices.ContainsFunc(tail, func(p snapshot.Part) bool { return p.ID == key.part })
		if table.readers > 0 || current && t.now().Sub(table.used) < tailIdle {
			continue
		}
		delete(t.tables, key)
		if err := t.drop(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// maxTables bounds the tables that are kept, each of which takes half a megabyte at
// least: those of very many datasets, each asked a short while ago, would take the memory
// of the ones that are asked now.
const maxTables = 256

// shed drops tables that nobody reads, the longest unused first, until so many are left.
func (t *tails) shed(ctx context.Context, left int) error {
	if len(t.tables) <= left {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(t.tables), func(a, b partID) int { return t.tables[a].used.Compare(t.tables[b].used) })
	for _, key := range keys {
		table := t.tables[key]
		if len(t.tables) <= left {
			return nil
		}
		if table.readers > 0 {
			continue
		}
		delete(t.tables, key)
		if err := t.drop(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

func (t *tails) drop(ctx context.Context, table *table) error {
	err := table.close()
	_, dropped := t.conn.ExecContext(ctx, "DROP TABLE IF EXISTS "+table.name)
	return errors.Join(err, dropped)
}

func (t *tails) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, table := range t.tables {
		errs = append(errs, table.close())
	}
	return errors.Join(append(errs, t.conn.Close())...)
}

// neededColumns returns the places in a batch of the columns that fields read. The
// time is always among them: sources are restricted by it.
func neededColumns(batch rows.Batch, f fields) []int {
	var needed []int
	for i, c := range batch.Columns {
		wanted := c.Name == dataset.ColumnTime || slices.ContainsFunc(f, func(field query.Field) bool {
			return field.Name == c.Name && !field.InJSON || field.InJSON && c.Name == dataset.ColumnProperties
		})
		if wanted {
			needed = append(needed, i)
		}
	}
	return needed
}

func union(a, b []int) []int {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func columnName(place int) string { return fmt.Sprintf("p%d", place) }

// scan writes the SELECT over the part's table.
func (p part) scan(f fields, r query.Range) string {
	columns := make([]string, len(f))
	for i, field := range f {
		columns[i] = p.column(field)
	}
	sql := "SELECT " + selected(f, columns) + " FROM " + p.table.name
	at := slices.IndexFunc(p.columns, func(c dataset.Column) bool { return c.Name == dataset.ColumnTime })
	where := ""
	if at >= 0 {
		where = rangeOf(columnName(at), r, integer)
	}
	if where == "" {
		return fmt.Sprintf("%s WHERE rowid < %d", sql, p.rows)
	}
	return fmt.Sprintf("%s%s AND rowid < %d", sql, where, p.rows)
}

func (p part) column(field query.Field) string {
	if mask := field.Mask; mask != "" {
		field.Mask = ""
		return masked(p.column(field), mask)
	}
	name := field.Name
	if field.InJSON {
		name = dataset.ColumnProperties
	}
	at := slices.IndexFunc(p.columns, func(c dataset.Column) bool { return c.Name == name })
	switch {
	case at < 0:
		return "CAST(NULL AS " + sqlTypes[field.Type] + ")"
	case field.InJSON:
		return property(columnName(at), field.Name)
	}
	return widened(columnName(at), p.columns[at].Type, field.Type)
}
