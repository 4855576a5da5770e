package build

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
)

// Bounds of what is in memory of a result.
const (
	partRows  = 500_000
	partBytes = 64 << 20
)

// rows asks the SQL of the inputs, or some of their parts. They can be asked for again.
func (w *build) rows(ctx context.Context, of *parts) iter.Seq2[load.Part, error] {
	return func(yield func(load.Part, error) bool) {
		var b *rows.ValueBuilder
		flush := func() error {
			part := load.Part{Rows: b.Batch()}
			b = nil
			if !yield(part, nil) {
				return errStop
			}
			return nil
		}
		err := w.SQL.Stream(ctx, w.statement(w.model.SQL, of, nil), func(columns []query.Column, values [][]query.Value) error {
			if b == nil {
				if err := named(columns); err != nil {
					return err
				}
				b = rows.NewValueBuilder(columnsOf(columns))
			}
			for _, row := range values {
				for i, v := range row {
					add(b.Column(i), columns[i].Type, v)
				}
				b.EndRow()
			}
			if len(values) == 0 || b.Len() >= partRows || b.Size() >= partBytes { // no values: it was the last
				return flush()
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(load.Part{}, err)
		}
	}
}

// named refuses columns that differ by case alone, or have names that no column has.
func named(columns []query.Column) error {
	seen := map[string]bool{}
	for _, c := range columns {
		name := strings.ToLower(c.Name)
		if seen[name] {
			return fault.New(fault.Invalid, "bad_model", "two columns of the result are named %q", c.Name).WithHint("give one of them another name with AS")
		}
		seen[name] = true
		if err := (dataset.Column{Name: c.Name, Type: dataset.Text}).Check(dataset.Table); err != nil {
			return err
		}
	}
	return nil
}

var types = map[query.Type]dataset.Type{
	query.Timestamp: dataset.Time, query.Date: dataset.Time, query.Text: dataset.Text, query.Int: dataset.Int, query.Float: dataset.Float,
	query.Decimal: dataset.Float, query.Bool: dataset.Bool, query.JSON: dataset.JSON, query.TimeDay: dataset.Text, query.Interval: dataset.Text, query.Blob: dataset.Text,
}

func columnsOf(columns []query.Column) []dataset.Column {
	out := make([]dataset.Column, len(columns))
	for i, c := range columns {
		out[i] = dataset.Column{Name: c.Name, Type: types[c.Type]}
	}
	return out
}

// add adds a value of an answer. Days are the instants at which they begin in UTC; whole
// numbers past 64 bits, and decimals that no float holds, are texts, as everywhere.
func add(c *rows.Values, t query.Type, v query.Value) {
	if v.IsNull() {
		c.AddNull()
		return
	}
	text := func() []byte { return v.AppendText(nil) }
	switch t {
	case query.Timestamp:
		c.AddTime(v.Int())
	case query.Date:
		day, err := time.Parse(time.DateOnly, v.Text())
		if err != nil {
			c.Misfit(text())
			return
		}
		c.AddTime(day.UnixMicro())
	case query.Int:
		if v.Text() != "" {
			c.Misfit(text())
			return
		}
		c.AddInt(v.Int())
	case query.Float:
		c.AddFloat(v.Float())
	case query.Decimal:
		c.AddDecimal(text())
	case query.Bool:
		c.AddBool(v.Int() != 0)
	case query.JSON:
		c.AddJSON(text())
	default:
		c.AddText(text())
	}
}
