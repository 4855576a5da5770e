package sqlrun

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/sandbox"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// A conversation: the runner sends a question, the process answers what was checked;
// the runner sends work, the process answers a head and, if that holds no refusal,
// the values. What the runner says is gob, which the process may trust. What the
// process says may be a stranger's: JSON and values, each of a bounded size.

type question struct {
	SQL  string
	Tree bool // tell the tree, too
}

type checked struct {
	Refusal *refusal
	Query   sqlgate.Query
	Tree    map[string]any
}

type work struct {
	Views     []duck.View
	Paths     []string
	Arguments []engine.Parameter
	MaxRows   int
	MaxAnswer int
	Stream    bool // no bound but the time: a head with the columns, then heads with some rows each, the last with none
}

type head struct {
	Refusal   *refusal
	Columns   []query.Column
	Rows      int
	Truncated bool
}

// refusal is a fault on its way between processes.
type refusal struct {
	Kind                fault.Kind
	Code, Message, Hint string
}

const (
	maxMessage = 4 << 20 // of what was checked, and of a head
	maxText    = 4 << 10 // of a refusal's message
)

// refusalOf makes a fault, and anything else an internal one.
func refusalOf(err error) *refusal {
	var f *fault.Error
	if !errors.As(err, &f) {
		return &refusal{Kind: fault.Internal, Code: "internal", Message: err.Error()}
	}
	return &refusal{f.Kind, f.Code, f.Message, f.Hint}
}

// err is the fault again. A process may blame the caller or the time, nobody else.
func (r *refusal) err() error {
	switch {
	case r == nil:
		return nil
	case r.Kind != fault.Invalid && r.Kind != fault.TooLarge && r.Kind != fault.Unavailable:
		return fmt.Errorf("sql: %.*s", maxText, r.Message)
	}
	return &fault.Error{Kind: r.Kind, Code: r.Code, Message: clipped(r.Message), Hint: clipped(r.Hint)}
}

func clipped(s string) string {
	if len(s) > maxText {
		return s[:maxText] + "…"
	}
	return s
}

func send(ctx context.Context, p *sandbox.Process, message any) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(message); err != nil {
		return fmt.Errorf("sql: %w", err)
	}
	return p.Send(ctx, b.Bytes())
}

func receive(ctx context.Context, p *sandbox.Process, message any) error {
	return receiveUpTo(ctx, p, maxMessage, message)
}

func receiveUpTo(ctx context.Context, p *sandbox.Process, most int, message any) error {
	frame, err := p.Receive(ctx, most)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(frame, message); err != nil {
		return fmt.Errorf("sql: %w", err)
	}
	return nil
}

// receiveAnswer reads a head and as many values as it announces.
func receiveAnswer(ctx context.Context, p *sandbox.Process, maxAnswer int) (query.Result, error) {
	var h head
	if err := receive(ctx, p, &h); err != nil {
		return query.Result{}, err
	}
	if err := h.Refusal.err(); err != nil {
		return query.Result{}, err
	}
	frame, err := p.Receive(ctx, maxAnswer)
	if err != nil {
		return query.Result{}, err
	}
	rows, err := decodeRows(frame, len(h.Columns), h.Rows)
	if err != nil {
		return query.Result{}, err
	}
	return query.Result{Columns: h.Columns, Rows: rows, Stats: query.Stats{Truncated: h.Truncated}}, nil
}

var errAnswer = errors.New("sql: the answer is not what it says")

// decodeRows reads values, none left over. Each takes a byte at least, so that a
// count can be held against the size before anything is made.
func decodeRows(b []byte, columns, n int) ([][]query.Value, error) {
	if n < 0 || n > query.MaxLimit || columns < 1 || columns > len(b) && n > 0 || n > len(b)/columns {
		return nil, errAnswer
	}
	rows := make([][]query.Value, n)
	all := make([]query.Value, n*columns)
	for i := range rows {
		rows[i] = all[i*columns : (i+1)*columns : (i+1)*columns]
		for j := range rows[i] {
			var err error
			if rows[i][j], b, err = query.DecodeValue(b); err != nil {
				return nil, fmt.Errorf("sql: %w", err)
			}
		}
	}
	if len(b) > 0 {
		return nil, errAnswer
	}
	return rows, nil
}

func encodeRows(rows [][]query.Value) (b []byte) {
	for _, row := range rows {
		for _, v := range row {
			b = v.AppendBinary(b)
		}
	}
	return b
}
