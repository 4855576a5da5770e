package build

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// parts are some parts of a result.
type parts struct {
	grain  model.Grain
	times  map[int64]bool // where periods begin, UTC microseconds
	values map[string]bool
	null   bool // the part of rows without a value
}

func newParts(grain model.Grain) *parts {
	return &parts{grain: grain, times: map[int64]bool{}, values: map[string]bool{}}
}

// maxParts bounds the parts that are built apart: beyond them all are.
const maxParts = 1_000_000

func (p *parts) len() int {
	n := len(p.times) + len(p.values)
	if p.null {
		n++
	}
	return n
}

func (p *parts) empty() bool { return p.len() == 0 }

func (p *parts) add(v query.Value) {
	switch {
	case v.IsNull():
		p.null = true
	case p.grain != "":
		p.times[v.Int()] = true
	default:
		p.values[v.Text()] = true
	}
}

// among restricts an input to the parts that a column tells; empty: it is not parted.
func (p *parts) among(v engine.Visible, key string) engine.Visible {
	if key == "" {
		return v
	}
	if key == dataset.ColumnTime {
		v.Segments = slices.DeleteFunc(slices.Clone(v.Segments), func(ref segment.Ref) bool { return !p.meets(ref) })
	}
	v.Only = p.only(key)
	return v
}

// only writes the parts down for who reads rows.
func (p *parts) only(key string) *engine.Parts {
	out := &engine.Parts{Column: key, Grain: string(p.grain), Null: p.null}
	column := rows.Column{Column: dataset.Column{Name: "part", Type: dataset.Text}}
	if p.grain != "" {
		column.Type = dataset.Int
		for at := range p.times {
			column.Ints = append(column.Ints, at)
		}
		slices.Sort(column.Ints)
	}
	for v := range p.values {
		column.Bytes = append(column.Bytes, v...)
		column.Ends = append(column.Ends, uint32(len(column.Bytes))) // #nosec G115 -- at most maxParts ids
	}
	out.Values = rows.Batch{Columns: []rows.Column{column}, Len: len(p.times) + len(p.values)}
	return out
}

// parted tells the rows of a result that are of the parts. The column by which a result is
// built by time is the time of its rows.
func (p *parts) parted(by *model.Incremental) *load.Parted {
	var text []byte
	return &load.Parted{Column: by.Column, Meets: p.meets, Has: func(c *rows.Column, row int) bool {
		if c == nil || c.IsNull(row) {
			return p.null
		}
		if p.grain != "" && c.Type == dataset.Time {
			return p.times[begin(p.grain, c.Ints[row])]
		}
		text = c.AppendText(text[:0], row)
		return p.values[string(text)]
	}}
}

// meets reports whether a segment may hold rows of the parts, where the time of a row tells
// its part.
func (p *parts) meets(ref segment.Ref) bool {
	if p.grain == "" || p.null || len(ref.Days) == 0 {
		return true
	}
	return slices.ContainsFunc(ref.Days, func(day segment.Day) bool {
		midnight := time.Unix(int64(day)*24*60*60, 0)
		if p.grain != model.Hour {
			return p.times[begin(p.grain, midnight.UnixMicro())]
		}
		for hour := range 24 {
			if p.times[midnight.Add(time.Duration(hour)*time.Hour).UnixMicro()] {
				return true
			}
		}
		return false
	})
}

// begin returns where the period of an instant begins, as date_trunc has it.
func begin(grain model.Grain, micros int64) int64 {
	at := time.UnixMicro(micros).UTC()
	switch grain {
	case model.Hour:
		at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), 0, 0, 0, time.UTC)
	case model.Month:
		at = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	case model.Week:
		at = time.Date(at.Year(), at.Month(), at.Day()-(int(at.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	default:
		at = time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	}
	return at.UnixMicro()
}

// plan returns the parts that are to be built; nil: all of the result.
func (w *build) plan(ctx context.Context) (*parts, error) {
	if w.order.Period != nil {
		return w.period(ctx)
	}
	if w.order.Full || w.noted == nil || w.was.Definition != definition(w.model) {
		return nil, nil
	}
	out := newParts("")
	if w.model.Incremental != nil {
		out.grain = w.model.Incremental.Grain
	}
	for _, name := range w.model.Inputs() {
		in := w.inputs[name]
		touched, known, err := w.touched(ctx, name, in)
		switch {
		case err != nil:
			return nil, err
		case known && len(touched) == 0:
			continue
		case !known || w.shape.keys[name] == "":
			return nil, nil
		}
		err = w.partsOf(ctx, in.over(touched), w.shape.keys[name], "", out)
		if fault.Is(err, fault.NotFound) || segment.IsGone(err) {
			return nil, nil // what left was deleted meanwhile: nobody can tell which parts it was of
		}
		if err != nil {
			return nil, err
		}
		if out.len() > maxParts {
			return nil, nil
		}
	}
	return out, nil
}

// touched lists the segments of an input among whose rows something changed since the last
// build. It is not known where the input is another dataset than it was.
func (w *build) touched(ctx context.Context, name dataset.Name, in *input) (refs []segment.Ref, known bool, err error) {
	was, ok := w.was.Inputs[name]
	if !ok || was.ID != in.visible.Dataset.ID {
		return nil, false, nil
	}
	since := was.Version
	refs, err = w.Loader.Manifest.Changes(ctx, w.tenant, was.ID, since, in.visible.State, func(e manifest.Entry) bool { return e.Shard == compact.Shard })
	return append(refs, in.moved...), true, err
}

// over is an input of some segments alone.
func (in *input) over(refs []segment.Ref) snapshot.Snapshot {
	out := in.visible.Snapshot
	out.Segments, out.Release = refs, func() {}
	return out
}

// partsOf adds the parts of some rows.
func (w *build) partsOf(ctx context.Context, over snapshot.Snapshot, key, where string, into *parts) error {
	text := fmt.Sprintf("SELECT DISTINCT %s AS part FROM %s%s", engine.PartOf(key, string(into.grain)), quoted(string(over.Dataset.Name)), where)
	s := engine.Statement{SQL: text, Open: func(context.Context, dataset.Name) (engine.Visible, error) { return whole(over), nil }}
	return w.SQL.Stream(ctx, s, func(_ []query.Column, rows [][]query.Value) error {
		for _, row := range rows {
			into.add(row[0])
		}
		return nil
	})
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// period returns the parts of a period: of the inputs, and of the result as it is.
func (w *build) period(ctx context.Context) (*parts, error) {
	i := w.model.Incremental
	if i == nil || i.Grain == "" {
		return nil, fault.New(fault.Invalid, "not_by_time", "model %q is not built by time", w.model.Name).
			WithHint("leave from and to out, and all of it is built")
	}
	if w.noted == nil || w.was.Definition != definition(w.model) {
		return nil, nil // nothing stands around the period that would fit it
	}
	out := newParts(i.Grain)
	within := func(key string) string {
		return fmt.Sprintf(" WHERE epoch_us(date_trunc('%s', %s)) >= %d AND epoch_us(%s) < %d", i.Grain, quoted(key), begin(i.Grain, w.order.Period.From), quoted(key), w.order.Period.Until)
	}
	for name, key := range w.shape.keys {
		in := w.inputs[name]
		if err := w.partsOf(ctx, in.over(in.visible.Segments), key, within(key), out); err != nil {
			return nil, err
		}
	}
	if at := w.target.Schema.Find(i.Column); at >= 0 {
		key := w.target.Schema.Columns[at].Name
		if err := w.partsOf(ctx, snapshot.OfState(w.dataset, w.target), key, within(key), out); err != nil {
			return nil, err
		}
	}
	return out, nil
}
