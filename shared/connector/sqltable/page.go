package sqltable

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// pages reads the rows of a pass, a page a batch.
func (p *pass) pages(ctx context.Context) error {
	if err := p.bound(ctx); err != nil || p.at.Through == nil {
		return err
	}
	rows := min(p.most, p.limits.first)
	for {
		end, err := p.end(ctx, rows)
		if err != nil {
			return err
		}
		b, err := p.page(ctx, end, rows)
		if errors.Is(err, errWide) {
			rows = max(1, rows/8)
			continue
		}
		if err != nil {
			return err
		}
		if end == nil {
			p.yield(connector.Batch{Rows: b.builder.Batch(), Next: position{Read: p.at.Through}.text()})
			return nil
		}
		p.at.After = end
		if !p.yield(connector.Batch{Rows: b.builder.Batch(), Next: p.at.text()}) {
			return nil
		}
		rows = p.grown(rows, b)
	}
}

// grown is how many rows the page after one has: more, if rows as wide as its are not too
// many bytes.
func (p *pass) grown(rows int, b *batch) int {
	fit := p.limits.bytes / (b.bytes/int64(max(1, b.builder.Len())) + 1) // none, if they were deleted meanwhile
	return max(1, int(min(int64(p.most), fit, 8*int64(rows))))
}

// bound decides where a pass ends, unless it is one that goes on. The greatest is not
// looked for by order: some systems sort by the beginnings of texts alone.
func (p *pass) bound(ctx context.Context) error {
	if p.at.Through != nil {
		return nil
	}
	c := p.order[0]
	last, err := p.first(ctx, "SELECT MAX("+c.quoted+") FROM "+p.table.SQL+" AS t WHERE "+c.Cursor.finite(c.quoted), 1)
	if err == nil && last != nil {
		p.at.Through = last[0]
	}
	return err
}

// end returns the place up to which a page reads that is to have some rows: that of its
// last one; nil if there are no more rows than those.
func (p *pass) end(ctx context.Context, rows int) (place, error) {
	where, err := p.where()
	if err != nil {
		return nil, err
	}
	names := p.names()
	return p.first(ctx, "SELECT "+names+" FROM "+p.table.SQL+" AS t WHERE "+where+" ORDER BY "+names+" "+p.system.Nth(rows-1), len(p.order))
}

// names is the list of the columns that rows are in the order of.
func (p *pass) names() string {
	var all []string
	for _, o := range p.order {
		all = append(all, o.quoted)
	}
	return strings.Join(all, ", ")
}

// where is the condition of the rows that the pass has not read yet.
func (p *pass) where() (string, error) {
	c := p.order[0]
	all := []string{c.Cursor.finite(c.quoted), c.quoted + " <= " + c.Literal(string(p.at.Through))}
	if p.at.After != nil {
		return strings.Join(append(all, after(p.order, p.at.After)), " AND "), nil
	}
	if p.at.Read == nil {
		return strings.Join(all, " AND "), nil
	}
	if len(p.Table.Key) == 0 { // to read a row twice would be to have it twice
		return strings.Join(append(all, c.quoted+" > "+c.Literal(string(p.at.Read))), " AND "), nil
	}
	back, err := c.Cursor.Back(string(p.at.Read), p.Table.Window)
	return strings.Join(append(all, c.quoted+" >= "+c.Literal(back)), " AND "), err
}

// errWide says that a page has more bytes than it may have.
var errWide = errors.New("the page is too wide")

// page reads the rows up to a place, or all. There are about as many as is said: more only
// if some are equal in order.
func (p *pass) page(ctx context.Context, end place, rows int) (*batch, error) {
	where, err := p.where()
	if err != nil {
		return nil, err
	}
	if end != nil {
		where += " AND " + upTo(p.order, end)
	}
	ctx, cancel := context.WithTimeout(ctx, StatementTime)
	defer cancel()
	b := p.table.batch()
	statement := fmt.Sprintf("SELECT %s FROM %s AS t WHERE %s ORDER BY %s", p.columns(), p.table.SQL, where, p.names())
	err = p.each(ctx, statement, len(p.table.Columns), func(row []cell) error {
		b.add(row)
		if b.bytes < 2*p.limits.bytes || rows == 1 && b.builder.Len() == 1 {
			return nil
		}
		if rows > 1 {
			return errWide
		}
		return fault.New(fault.TooLarge, "too_many_equal", "table %.80q has more than %d MB of rows with one cursor and key", p.Table.Table, 2*p.limits.bytes>>20).
			WithHint("name the columns that tell its rows apart as its key")
	})
	return b, err
}
