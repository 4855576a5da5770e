package tabular

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// memory is a Source that gives at most chunk bytes a read.
type memory struct {
	data  []byte
	chunk int
}

func (m memory) Size() int64 { return int64(len(m.data)) }

func (m memory) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	data := m.data[offset:]
	if length >= 0 {
		data = data[:length]
	}
	return io.NopCloser(&dribble{bytes.NewReader(data), m.chunk}), nil
}

type dribble struct {
	r     io.Reader
	chunk int
}

func (d *dribble) Read(p []byte) (int, error) {
	if d.chunk > 0 && len(p) > d.chunk {
		p = p[:d.chunk]
	}
	return d.r.Read(p)
}

// outcome is all that a file gave.
type outcome struct {
	Columns []dataset.Column
	Rows    [][]json.RawMessage // in the order of Columns, and of the types of the last part
	Lines   []int64
	Bad     []Bad
	Parts   int
}

// readAll reads a file as a loader does: parts are brought to the widest columns at the end.
func readAll(src Source, o Options, declared []dataset.Column, l limits) (outcome, error) {
	ctx := context.Background()
	r, err := open(ctx, src, o, declared, l)
	if err != nil {
		return outcome{}, err
	}
	defer r.Close()
	var got outcome
	var parts []rows.Batch
	for {
		part, err := r.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return got, err
		}
		got.Parts++
		got.Lines = append(got.Lines, part.Lines...)
		got.Bad = append(got.Bad, part.Bad...)
		parts = append(parts, part.Rows)
	}
	got.Columns = r.Columns()
	for _, part := range parts {
		got.Rows = append(got.Rows, widened(part, got.Columns)...)
	}
	return got, nil
}

// widened returns the rows of a part, as columns hold them that are as wide or wider.
func widened(part rows.Batch, columns []dataset.Column) [][]json.RawMessage {
	all := make([][]json.RawMessage, part.Len)
	for row := range all {
		all[row] = make([]json.RawMessage, len(columns))
		for i := range all[row] {
			all[row][i] = json.RawMessage("null")
		}
	}
	for at := range part.Columns {
		from := &part.Columns[at]
		for i, to := range columns {
			if to.Name != from.Name {
				continue
			}
			c, misfit := from.Convert(to, part.Len)
			if misfit >= 0 {
				panic("column " + to.Name + " was narrowed")
			}
			for row := range all {
				all[row][i] = jsonOf(&c, row)
			}
		}
	}
	return all
}
