package sqlrun

import (
	"context"
	"database/sql"
	"io"
	"math"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/sandbox"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// Bounds of what is sent at a time.
const (
	batchRows  = 10_000
	batchBytes = 4 << 20
	maxTree    = 64 << 20 // of the longest text
)

// Read checks a statement without running it, and returns it with its tree. One that is
// not allowed is fault.Invalid.
func (r *Runner) Read(ctx context.Context, text string) (q sqlgate.Query, err error) {
	err = r.converse(ctx, question{SQL: text, Tree: true}, func(_ context.Context, _ *sandbox.Process, found checked) error {
		q = found.Query
		q.Tree = found.Tree
		return nil
	})
	return q, err
}

// Stream runs a statement without parameters and hands over its rows, some at a time and
// all of them, however many. It fails as Run does, and with what each returns.
func (r *Runner) Stream(ctx context.Context, s engine.Statement, each func(columns []query.Column, rows [][]query.Value) error) error {
	return r.converse(ctx, question{SQL: s.SQL}, func(ctx context.Context, p *sandbox.Process, found checked) error {
		var seen sight
		defer seen.release()
		if err := r.look(ctx, &seen, found.Query, s.Open); err != nil {
			return err
		}
		if err := send(ctx, p, work{Views: seen.views, Paths: seen.paths, Stream: true}); err != nil {
			return err
		}
		return receiveAll(ctx, p, each)
	})
}

// receiveAll reads what stream sends.
func receiveAll(ctx context.Context, p *sandbox.Process, each func([]query.Column, [][]query.Value) error) error {
	var h head
	if err := receive(ctx, p, &h); err != nil {
		return err
	}
	columns := h.Columns
	for {
		if err := h.Refusal.err(); err != nil {
			return err
		}
		h = head{}
		if err := receive(ctx, p, &h); err != nil {
			return err
		}
		if h.Refusal != nil {
			continue
		}
		if h.Rows == 0 {
			return each(columns, nil)
		}
		frame, err := p.Receive(ctx, maxInstructions)
		if err != nil {
			return err
		}
		rows, err := decodeRows(frame, len(columns), h.Rows)
		if err != nil {
			return err
		}
		if err := each(columns, rows); err != nil {
			return err
		}
	}
}

// stream runs a text and sends all its rows.
func stream(ctx context.Context, conn *sql.Conn, q sqlgate.Query, w work, out io.Writer) error {
	rows, columns, err := begin(ctx, conn, q, w, math.MaxInt64)
	if err != nil {
		return err
	}
	defer rows.Close()
	var told head
	for _, c := range columns {
		told.Columns = append(told.Columns, query.Column{Name: c.name, Type: c.kind.answer()})
	}
	if err := say(out, told); err != nil {
		return err
	}
	scanned, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range places {
		places[i] = &scanned[i]
	}
	var values []byte
	n := 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		err := say(out, head{Rows: n})
		if err == nil {
			err = sandbox.WriteFrame(out, values)
		}
		values, n = values[:0], 0
		return err
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		for i, v := range scanned {
			value, err := columns[i].kind.value(v)
			if err != nil {
				return err
			}
			values = value.AppendBinary(values)
		}
		if n++; n == batchRows || len(values) >= batchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	return say(out, head{})
}
