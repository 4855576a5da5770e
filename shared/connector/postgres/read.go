package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// position is where reading a table goes on. Values are as PostgreSQL writes them.
type position struct {
	Through *string  `json:"through,omitempty"` // of a pass under way: the last cursor that is part of it
	After   []string `json:"after,omitempty"`   // cursor and key of the last row that was read
	Read    *string  `json:"read,omitempty"`    // of a pass that ended: its last cursor
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
	p := &pass{Source: s, Read: r, yield: yield}
	if r.From != nil {
		if err := json.Unmarshal(r.From, &p.at); err != nil {
			return fmt.Errorf("position in table %s: %w", r.Table.Table, err)
		}
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end(ctx)
	if err := p.plan(ctx); err != nil || p.nothing {
		return err
	}
	return p.run(ctx)
}

// pass is one reading of a table.
type pass struct {
	*Source
	connector.Read
	yield   func(connector.Batch) bool
	at      position
	columns []column
	order   []column // cursor and key, which tell where to go on
	nothing bool     // there is nothing to read
	ties    bool     // rows may be equal in order: a batch ends only between those that are not
}

// plan finds out what to read.
func (p *pass) plan(ctx context.Context) error {
	r, err := p.relation(ctx, p.Table.Table)
	if err != nil {
		return err
	}
	p.columns = r.columns
	var names []string
	switch p.Table.Effective() {
	case connector.Full:
		return nil
	case connector.Incremental:
		names = []string{p.Table.Cursor}
		p.ties = len(p.Table.Key) == 0
	}
	if p.order, err = r.find(append(names, p.Table.Key...)...); err != nil {
		return err
	}
	if p.Table.Effective() == connector.Incremental {
		return p.bound(ctx)
	}
	return nil
}

// bound decides where a pass ends, unless it is one that goes on.
func (p *pass) bound(ctx context.Context) error {
	if p.at.Through != nil {
		return nil
	}
	c := p.order[0]
	if !c.cursor() {
		return fault.New(fault.Invalid, "bad_cursor", "column %.80q of type %.80q cannot be a cursor", c.name, c.typ).
			WithHint("a cursor is a time, a number, a text or a uuid that grows with every change")
	}
	last, err := p.one(ctx, fmt.Sprintf("SELECT %[1]s FROM %[2]s WHERE %[3]s ORDER BY 1 DESC LIMIT 1", quote(c.name), table(p.Table.Table), c.finite()))
	if err != nil {
		return err
	}
	if p.nothing = last == nil; !p.nothing {
		text := string(last)
		p.at.Through = &text
	}
	return nil
}

// statement selects what the pass reads.
func (p *pass) statement() (string, error) {
	var list []string
	for _, c := range p.columns {
		list = append(list, c.selected())
	}
	sql := "SELECT " + strings.Join(list, ", ")
	if len(p.order) == 0 {
		return sql + " FROM " + table(p.Table.Table) + " AS t", nil
	}
	var order []string
	for _, c := range p.order {
		order = append(order, quote(c.name))
		sql += ", " + quote(c.name)
	}
	where, err := p.where(order)
	if err != nil {
		return "", err
	}
	return sql + " FROM " + table(p.Table.Table) + " AS t" + " WHERE " + strings.Join(where, " AND ") + " ORDER BY " + strings.Join(order, ", "), nil
}

// where are the conditions of a read in order.
func (p *pass) where(order []string) ([]string, error) {
	all := []string{"true"}
	if p.at.After != nil {
		if len(p.at.After) != len(p.order) {
			return nil, fmt.Errorf("position in table %s: %d values for %d columns", p.Table.Table, len(p.at.After), len(p.order))
		}
		var after []string
		for i, text := range p.at.After {
			after = append(after, p.order[i].literal(text))
		}
		all = append(all, "("+strings.Join(order, ", ")+") > ("+strings.Join(after, ", ")+")")
	}
	if p.Table.Effective() != connector.Incremental {
		return all, nil
	}
	c := p.order[0]
	all = append(all, c.finite(), order[0]+" <= "+c.literal(*p.at.Through))
	if p.at.Read == nil {
		return all, nil
	}
	from, err := c.from(*p.at.Read, p.Table.Window, p.ties)
	return append(all, order[0]+from), err
}
