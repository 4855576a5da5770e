package postgres

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/rows"
)

// Bounds of a batch, and of what is asked for at a time.
const (
	batchRows  = 500_000
	batchBytes = 96 << 20 // of text
	fetchRows  = 10_000
	fetchBytes = 8 << 20
)

// batching parts rows into batches.
type batching struct {
	*pass
	most    int // rows
	builder *rows.ValueBuilder
	how     []codec
	last    [][]byte // cursor and key of the row before
	ready   []connector.Batch
	bytes   int // of the batch
	read    int // rows
	size    int // of all rows
}

// run reads the rows, some at a time, and yields them in batches.
func (p *pass) run(ctx context.Context) error {
	sql, err := p.statement()
	if err != nil {
		return err
	}
	if err := p.exec(ctx, "DECLARE tarn NO SCROLL CURSOR FOR "+sql); err != nil {
		return err
	}
	b := &batching{pass: p, most: p.Rows}
	if b.most == 0 {
		b.most = batchRows
	}
	for _, text := range p.at.After {
		b.last = append(b.last, []byte(text))
	}
	b.open()
	for {
		before := b.read
		if err := p.each(ctx, fmt.Sprintf("FETCH %d FROM tarn", b.next()), nil, b.add); err != nil {
			return err
		}
		if b.read == before {
			b.close(b.end())
		}
		if !b.flush() || b.read == before {
			return nil
		}
	}
}

// next is how many rows are asked for: as many as before were small enough.
func (b *batching) next() int {
	if b.read == 0 {
		return 16
	}
	return max(1, min(fetchRows, fetchBytes/(b.size/b.read+1), 4*b.read))
}

func (b *batching) open() {
	b.builder, b.how = builder(b.columns)
	b.bytes = 0
}

// add adds a row. A batch that is full ends before it, unless the two are equal in order.
func (b *batching) add(values [][]byte) error {
	n := len(b.columns)
	if full := b.builder.Len() >= b.most || b.bytes >= batchBytes; full && (!b.ties || !bytes.Equal(values[n], b.last[0])) {
		b.close(b.after())
	}
	addRow(b.builder, b.how, values[:n])
	b.last = b.last[:0]
	for _, text := range values[n:] {
		b.last = append(b.last, bytes.Clone(text))
	}
	width := 8 * n
	for _, text := range values {
		width += len(text)
	}
	b.read++
	b.bytes += width
	b.size += width
	return nil
}

// after is the position behind the last row.
func (b *batching) after() position {
	next := b.at
	next.After = nil
	for _, text := range b.last {
		next.After = append(next.After, string(text))
	}
	return next
}

// end is the position behind all rows.
func (b *batching) end() position {
	if b.Table.Effective() == connector.Incremental {
		return position{Read: b.at.Through}
	}
	return b.after()
}

// close makes a batch of the rows.
func (b *batching) close(next position) {
	b.ready = append(b.ready, connector.Batch{Rows: b.builder.Batch(), Next: next.text()})
	b.open()
}

// flush yields the batches that are made, and reports whether more are wanted.
func (b *batching) flush() bool {
	for i, one := range b.ready {
		b.ready[i] = connector.Batch{}
		if !b.yield(one) {
			return false
		}
	}
	b.ready = b.ready[:0]
	return true
}
