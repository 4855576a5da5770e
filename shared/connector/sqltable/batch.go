package sqltable

import (
	"context"
	"errors"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/rows"
)

// batch gathers rows.
type batch struct {
	table   Table
	builder *rows.ValueBuilder
	bytes   int64 // of text
}

func (t Table) batch() *batch { return &batch{table: t, builder: t.builder()} }

// add adds a row.
func (b *batch) add(row []cell) {
	for i, c := range b.table.Columns {
		b.bytes += 8
		if row[i].text == nil {
			b.builder.Column(i).AddNull()
			continue
		}
		b.bytes += int64(len(row[i].text))
		c.Add(b.builder.Column(i), row[i].text)
	}
	b.builder.EndRow()
}

// errStopped ends a stream that nobody wants more of.
var errStopped = errors.New("nobody wants more")

// stream reads all rows.
func (p *pass) stream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, StreamTime)
	defer cancel()
	b := p.table.batch()
	err := p.each(ctx, "SELECT "+p.columns()+" FROM "+p.table.SQL+" AS t", len(p.table.Columns), func(row []cell) error {
		if b.builder.Len() >= p.most || b.bytes >= p.limits.bytes {
			if !p.yield(connector.Batch{Rows: b.builder.Batch()}) {
				cancel() // or the rest would be fetched
				return errStopped
			}
			b = p.table.batch()
		}
		b.add(row)
		return nil
	})
	if err == nil {
		p.yield(connector.Batch{Rows: b.builder.Batch()})
	}
	return err
}
