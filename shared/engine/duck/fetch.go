package duck

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// fetch runs a statement and returns up to the plan's limit of rows.
func (e *Engine) fetch(ctx context.Context, s statement, p query.Plan) (out [][]query.Value, truncated bool, err error) {
	rows, err := e.db.QueryContext(ctx, s.sql)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	columns := p.Columns()
	scanned, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range scanned {
		places[i] = &scanned[i]
	}
	starts := map[int64]query.Value{}
	size := 0
	for rows.Next() {
		if len(out) == p.MaxRows() {
			return out, true, nil
		}
		if err := rows.Scan(places...); err != nil {
			return nil, false, err
		}
		row := make([]query.Value, len(columns))
		for i, v := range scanned {
			if row[i], err = valueOf(v, columns[i].Type); err != nil {
				return nil, false, err
			}
			size += row[i].Size()
		}
		if s.buckets != nil && !row[0].IsNull() { // a table's row may have no time
			row[0] = bucketStart(s, starts, row[0].Int())
		}
		if size > e.mostBytes(p) {
			return nil, false, fault.New(fault.Invalid, "answer_too_large", "the answer is larger than %d MiB", e.config.MaxAnswer>>20).
				WithHint("lower the limit, or leave out dimensions with long texts")
		}
		out = append(out, row)
	}
	return out, false, rows.Err()
}

// foldedBytes bounds what is read to make sketches of it: callers are not sent it.
const foldedBytes = 128 << 20

// mostBytes is how large a plan's answer may be.
func (e *Engine) mostBytes(p query.Plan) int {
	if a, ok := p.(query.AggregatePlan); ok && slices.ContainsFunc(a.Dimensions, func(g query.Group) bool { return g.Via != "" }) {
		return foldedBytes
	}
	return e.config.MaxAnswer
}

func bucketStart(s statement, starts map[int64]query.Value, key int64) query.Value {
	start, ok := starts[key]
	if !ok {
		start = query.TimeValue(s.buckets.Start(key))
		starts[key] = start
	}
	return start
}

// valueOf takes a value as the driver gives it.
func valueOf(v any, t query.Type) (query.Value, error) {
	switch v := v.(type) {
	case nil:
		return query.Value{}, nil
	case int64:
		if t == query.Timestamp {
			return query.TimeValue(v), nil
		}
		return query.IntValue(v), nil
	case *big.Int:
		return query.BigValue(v), nil
	case float64:
		return query.FloatValue(v), nil
	case string:
		return query.TextValue(v), nil
	case bool:
		return query.BoolValue(v), nil
	}
	return query.Value{}, fmt.Errorf("the driver gave a %T", v)
}
