package sqltable

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// position is where reading a table goes on.
type position struct {
	Through []byte `json:"through"` // of a pass under way: the last cursor that is part of it
	After   place  `json:"after"`   // cursor and key up to which the pass has read
	Read    []byte `json:"read"`    // of a pass that ended: its last cursor
}

func (p position) text() json.RawMessage {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // plain data
	}
	return text
}

// Read implements connector.Source. A pass of an incremental read is of the cursors from
// the last pass's end less the window, through the greatest there was when the pass began:
// one that goes on after a kill sees other rows, but has the same end, so that the next
// window reaches back to all that this pass may have missed.
func (s *Source) Read(ctx context.Context, r connector.Read) iter.Seq2[connector.Batch, error] {
	return connector.Batches(func(yield func(connector.Batch) bool) error { return s.read(ctx, r, yield) })
}

func (s *Source) read(ctx context.Context, r connector.Read, yield func(connector.Batch) bool) error {
	p := &pass{Source: s, Read: r, yield: yield, most: s.limits.rows}
	if r.Rows > 0 {
		p.most = r.Rows
	}
	if r.From != nil {
		if err := json.Unmarshal(r.From, &p.at); err != nil {
			return fmt.Errorf("position in table %s: %w", r.Table.Table, err)
		}
	}
	statement, run := StreamTime, p.stream
	if r.Table.Effective() == connector.Incremental {
		statement, run = StatementTime, p.pages
	}
	return s.within(ctx, statement, func(ctx context.Context, tx *sql.Tx) error {
		p.tx = tx
		if err := p.plan(ctx); err != nil {
			return err
		}
		return run(ctx)
	})
}

// pass is one reading of a table.
type pass struct {
	*Source
	connector.Read
	yield func(connector.Batch) bool
	tx    *sql.Tx
	at    position
	most  int // rows of a batch
	table Table
	order []ordered // cursor and key, which tell where to go on
}

// plan finds out what to read.
func (p *pass) plan(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, StatementTime)
	defer cancel()
	found, err := p.system.Describe(ctx, p.tx, p.Table.Table)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fault.New(fault.NotFound, "unknown_table", "the source has no table %.80q", p.Table.Table).WithHint("GET …/tables lists those there are")
	}
	p.table = found[0]
	if p.Table.Effective() == connector.Full {
		return nil
	}
	key := slices.DeleteFunc(slices.Clone(p.Table.Key), func(name string) bool { return name == p.Table.Cursor })
	columns, err := p.table.find(append([]string{p.Table.Cursor}, key...)...)
	if err != nil {
		return err
	}
	for i, c := range columns {
		switch {
		case i == 0 && c.Cursor == nil:
			return fault.New(fault.Invalid, "bad_cursor", "column %.80q of type %.80q cannot be a cursor", c.Name, c.Type).
				WithHint("a cursor is a time, a number or a short text that grows with every change")
		case c.Literal == nil:
			return fault.New(fault.Invalid, "bad_key", "column %.80q of type %.80q cannot be part of a key", c.Name, c.Type).
				WithHint("a key is of columns that an index can be of")
		}
		p.order = append(p.order, ordered{c, p.quoted(c)})
	}
	if len(p.at.After) > 0 && len(p.at.After) != len(p.order) {
		return fmt.Errorf("position in table %s: %d values for %d columns", p.Table.Table, len(p.at.After), len(p.order))
	}
	return nil
}

// quoted is the column as statements have it.
func (p *pass) quoted(c Column) string { return "t." + p.system.Quote(c.Name) }

// columns is the list of what is selected of all columns.
func (p *pass) columns() string {
	var all []string
	for _, c := range p.table.Columns {
		all = append(all, c.selected(p.quoted(c)))
	}
	return strings.Join(all, ", ")
}

// each calls do with every row of a statement, until it fails. What it is given is good
// until it returns. Statements are prepared: some systems write numbers exactly only then.
func (p *pass) each(ctx context.Context, statement string, columns int, do func([]cell) error) (err error) {
	prepared, err := p.tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { _ = prepared.Close() }()
	found, err := prepared.QueryContext(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	row, into := make([]cell, columns), make([]any, columns)
	for i := range row {
		into[i] = &row[i]
	}
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return found.Err()
}

// first returns the only row of a statement, or nil.
func (p *pass) first(ctx context.Context, statement string, columns int) (row place, err error) {
	ctx, cancel := context.WithTimeout(ctx, StatementTime)
	defer cancel()
	err = p.each(ctx, statement, columns, func(cells []cell) error {
		row = make(place, columns)
		for i, c := range cells {
			row[i] = bytes.Clone(c.text)
		}
		return nil
	})
	return row, err
}
