package athena

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// maxAnswer bounds the texts of an answer, in bytes.
const maxAnswer = 64 << 20

// fetch reads the answer of an execution: up to one row more than a limit.
func (e *Engine) fetch(ctx context.Context, id execution.ID, s statement, limit int) (query.Result, error) {
	var out query.Result
	size, token := 0, ""
	for {
		page, err := e.config.Service.Fetch(ctx, id, token)
		if err != nil {
			return query.Result{}, err
		}
		for _, cells := range page.Rows {
			row, err := s.row(cells)
			if err != nil {
				return query.Result{}, err
			}
			for _, v := range row {
				size += v.Size()
			}
			out.Rows = append(out.Rows, row)
		}
		if size > maxAnswer {
			return query.Result{}, fault.New(fault.Invalid, "answer_too_large", "the answer is larger than %d MiB", maxAnswer>>20).
				WithHint("lower the limit, or leave out dimensions with long texts")
		}
		if token = page.Next; token == "" || len(out.Rows) > limit {
			return out, nil
		}
	}
}

// row reads a row of the statement's answer.
func (s statement) row(cells []*string) ([]query.Value, error) {
	if want := len(s.columns) + len(s.floats); len(cells) != want {
		return nil, fmt.Errorf("a row has %d columns, not %d", len(cells), want)
	}
	row := make([]query.Value, len(s.columns))
	for i, cell := range cells[:len(row)] {
		of := s.columns[i].Type
		bucket := s.buckets != nil && i == 0
		if bucket {
			of = query.Int
		}
		v, err := valueOf(cell, of)
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
		if bucket {
			v = query.TimeValue(s.buckets.Start(keyOf(*s.buckets, v.Int())))
		}
		row[i] = v
	}
	return row, s.check(row, cells[len(row):])
}

// check refuses a row in which floats cancelled each other out: they are added without
// compensation, so that what is left of them has lost as many digits.
func (s statement) check(row []query.Value, magnitudes []*string) error {
	const most = 1 << 7 // of 53 bits seven may be lost
	for i, place := range s.floats {
		magnitude, err := valueOf(magnitudes[i], query.Float)
		if err != nil {
			return err
		}
		if !magnitude.IsNull() && magnitude.Float() > most*math.Abs(row[place].Float()) {
			return refusal("values of both signs cancel each other out in %q, of which floating-point numbers would lose digits there", s.columns[place].Name).
				WithHint("sum positive and negative values apart, or shorten the time range")
		}
	}
	return nil
}

// valueOf reads a value from the text that it is sent as.
func valueOf(cell *string, t query.Type) (query.Value, error) {
	if cell == nil {
		return query.Value{}, nil
	}
	switch t {
	case query.Int:
		i, ok := new(big.Int).SetString(*cell, 10)
		if !ok {
			return query.Value{}, fmt.Errorf("%.40q is no whole number", *cell)
		}
		return query.BigValue(i), nil
	case query.Float:
		f, err := strconv.ParseFloat(*cell, 64)
		return query.FloatValue(f), err
	case query.Bool:
		b, err := strconv.ParseBool(*cell)
		return query.BoolValue(b), err
	case query.Timestamp:
		at, err := time.Parse(time.DateTime, *cell) // takes fractions too
		return query.TimeValue(at.UnixMicro()), err
	}
	return query.TextValue(*cell), nil
}
