package export

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// restEvery is how many chunks are read before a checkpoint is saved, be there rows
// that match or not.
const restEvery = 20

// part is rows on their way to a blob.
type part struct {
	body []byte
	rows int64
	wide []int
}

func (p *part) add(row []query.Value, columns []query.Column) {
	for i, v := range row {
		p.body = v.AppendBinary(p.body)
		if columns[i].Type == query.Int && v.Text() != "" && !slices.Contains(p.wide, i) { // more than 64 bits
			p.wide = append(p.wide, i)
		}
	}
	p.rows++
}

// gather reads all rows into parts.
func (x *export) gather(ctx context.Context, q question) error {
	if q.rows != nil {
		return x.gatherRows(ctx, *q.rows)
	}
	var p part
	columns := q.columns()
	x.Parts, x.Rows = nil, 0 // an answer is one step: it begins at its beginning
	if err := x.answer(ctx, *q.program, func(row []query.Value) error {
		if p.add(row, columns); len(p.body) < x.partBytes() {
			return nil
		}
		return x.flush(ctx, &p)
	}); err != nil {
		return err
	}
	if err := x.flush(ctx, &p); err != nil {
		return err
	}
	x.Read = true
	return x.save(ctx, x.total)
}

// gatherRows reads segments a chunk at a time, and saves after each part.
func (x *export) gatherRows(ctx context.Context, plan query.RowsPlan) error {
	var p part
	columns := plan.Columns()
	for at, chunks := x.Place, 1; at.Segment < len(x.pin.Segments); chunks++ {
		ref := x.pin.Segments[at.Segment]
		end := min(ref.Rows, at.Row+cmp.Or(x.ChunkRows, 50_000))
		err := x.Engine.Read(ctx, plan, ref, at.Row, end, func(row []query.Value) error { p.add(row, columns); return nil })
		if err != nil {
			return err
		}
		if at.Row = end; end == ref.Rows {
			at = place{Segment: at.Segment + 1}
		}
		if len(p.body) < x.partBytes() && chunks%restEvery != 0 && at.Segment < len(x.pin.Segments) {
			continue
		}
		if err := x.flush(ctx, &p); err != nil {
			return err
		}
		x.Place = at
		if err := x.save(ctx, x.before(at)); err != nil {
			return err
		}
	}
	x.Read = true
	return x.save(ctx, x.total)
}

// before counts the rows before a place.
func (x *export) before(at place) int64 {
	n := at.Row
	for _, ref := range x.pin.Segments[:at.Segment] {
		n += ref.Rows
	}
	return n
}

func (x *export) partBytes() int { return cmp.Or(x.PartBytes, 8<<20) }

// flush stores a part under this run's own name: only a checkpoint of this run makes it
// count, so that it does not matter what a run that was taken for dead stores.
func (x *export) flush(ctx context.Context, p *part) error {
	if p.rows == 0 {
		return nil
	}
	x.Parts = append(x.Parts[:len(x.Parts):len(x.Parts)], x.job.Runs)
	key := x.partKey(len(x.Parts) - 1)
	err := x.Blobs.Put(ctx, key, p.body)
	if fault.Is(err, fault.Conflict) { // our own, of which the answer was lost, or from before this run began again
		err = x.replace(ctx, key, p.body)
	}
	if err != nil {
		return err
	}
	x.Rows += p.rows
	for _, c := range p.wide {
		if !slices.Contains(x.Wide, c) {
			x.Wide = append(x.Wide, c)
		}
	}
	slices.Sort(x.Wide)
	*p = part{body: p.body[:0]}
	return nil
}

// replace stores a part in place of one of the same run.
func (x *export) replace(ctx context.Context, key string, body []byte) error {
	if err := x.Blobs.Delete(ctx, key); err != nil {
		return err
	}
	return x.Blobs.Put(ctx, key, body)
}

// assemble makes one file of the parts and stores it. The parts are fixed now, and the
// same parts make the same file: that it is there already is fine.
func (x *export) assemble(ctx context.Context, columns []query.Column) error {
	f, err := os.CreateTemp(x.Folder, "export-*")
	if err != nil {
		return fmt.Errorf("file of job %s: %w", x.job.ID, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	size, err := x.write(ctx, f, columns)
	if err != nil {
		return err
	}
	if err := x.Blobs.PutFrom(ctx, x.file(), f, size); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	info, err := x.Blobs.Stat(ctx, x.file())
	if err != nil {
		return err
	}
	x.Bytes = info.Size
	return x.save(ctx, 2*x.total)
}

// write writes the rows of all parts in the export's format.
func (x *export) write(ctx context.Context, f *os.File, columns []query.Column) (int64, error) {
	to := &bounded{w: f, left: blob.MaxSize}
	out, err := newWriter(x.order.Format, to, widened(columns, x.Wide))
	if err != nil {
		return 0, err
	}
	row, written := make([]query.Value, len(columns)), int64(0)
	for n := range x.Parts {
		body, err := read(ctx, x.Blobs, x.partKey(n))
		if err != nil {
			return 0, err
		}
		for len(body) > 0 {
			for i := range row {
				if row[i], body, err = query.DecodeValue(body); err != nil {
					return 0, fmt.Errorf("part %d of job %s: %w", n, x.job.ID, err)
				}
			}
			if err := out.row(row); err != nil {
				return 0, err
			}
			written++
		}
		x.at.Report(x.progress(x.total + x.total*written/max(1, x.Rows)))
	}
	if err := out.close(); err != nil {
		return 0, err
	}
	return blob.MaxSize - to.left, nil
}
