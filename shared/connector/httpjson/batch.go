package httpjson

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/tabular"
)

// batches makes batches of what was gathered: mostly one. Behind those but the last a
// pass goes on with the same pages, whose rows are then upserted again.
func (p *pass) batches(ctx context.Context, done bool) ([]connector.Batch, error) {
	all, err := parts(ctx, p.Table.Table, p.gather.items)
	if err != nil {
		return nil, err
	}
	if bad := p.gather.bad; len(bad) > 0 {
		all = append(all, connector.Batch{Bad: bad})
	}
	p.gather.clear()
	for i := range all {
		all[i].Next = p.kept
	}
	next := p.at
	if done {
		next = p.at.ended()
	}
	p.kept = next.text(p.api.secrets())
	if len(all) == 0 {
		if next == (position{}) { // nothing was there
			return nil, nil
		}
		all = append(all, connector.Batch{})
	}
	all[len(all)-1].Next = p.kept
	return all, nil
}

// parts reads items as rows, whose columns take the types of their values.
func parts(ctx context.Context, table string, items []json.RawMessage) (all []connector.Batch, err error) {
	file := array(items)
	options := tabular.Options{Format: tabular.JSON, Compression: tabular.Plain, Encoding: tabular.UTF8, Dates: tabular.ISO, Nulls: []string{}}
	r, err := tabular.Open(ctx, tabular.FromReaderAt(bytes.NewReader(file), int64(len(file))), options, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		part, err := r.Next(ctx)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		b := connector.Batch{Rows: part.Rows}
		for _, bad := range part.Bad {
			b.Bad = append(b.Bad, load.Bad{Row: fmt.Sprintf("%s:%d", table, bad.Line), Code: bad.Code, Reason: bad.Reason, Raw: bad.Raw})
		}
		all = append(all, b)
	}
}

func array(items []json.RawMessage) []byte {
	size := 2
	for _, item := range items {
		size += len(item) + 1
	}
	file := append(make([]byte, 0, size), '[')
	for i, item := range items {
		if i > 0 {
			file = append(file, ',')
		}
		file = append(file, item...)
	}
	return append(file, ']')
}
