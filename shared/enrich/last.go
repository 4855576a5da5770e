package enrich

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Last returns the events that were stored last, as they are stored, in the form in which
// they would be sent; not the version that they went through.
func (s *Tables) Last(ctx context.Context, snap snapshot.Snapshot, most int) ([]json.RawMessage, error) {
	var found []stored
	for _, part := range snap.Tail {
		found = newest(append(found, rowsOf(part.Rows)...), most)
	}
	refs := slices.Clone(snap.Segments)
	slices.SortFunc(refs, func(a, b segment.Ref) int { return cmp.Compare(b.MaxReceived, a.MaxReceived) })
	for _, ref := range refs {
		if len(found) == most && found[most-1].received >= ref.MaxReceived {
			break
		}
		batch, err := s.Segments.ReadRows(ctx, ref)
		if err != nil {
			return nil, err
		}
		found = newest(append(found, rowsOf(batch)...), most)
	}
	out := make([]json.RawMessage, len(found))
	for i, f := range found {
		out[i] = f.text()
	}
	return out, nil
}

// stored is a row.
type stored struct {
	batch    *rows.Batch
	row      int
	received int64
}

func rowsOf(batch rows.Batch) []stored {
	all := make([]stored, batch.Len)
	for row := range all {
		all[row] = stored{&batch, row, batch.Columns[rows.Received].Ints[row]}
	}
	return all
}

// newest keeps the rows that came last, the last one first.
func newest(all []stored, most int) []stored {
	slices.SortStableFunc(all, func(a, b stored) int { return cmp.Compare(b.received, a.received) })
	return all[:min(len(all), most)]
}

// text writes a row as the event was sent.
func (s stored) text() json.RawMessage {
	fixed, properties := rows.Batch{Len: s.batch.Len}, rows.Batch{Len: s.batch.Len}
	var rest []byte
	for i := range s.batch.Columns {
		switch c := s.batch.Columns[i]; {
		case c.Name == dataset.ColumnReceived, c.Name == Property:
		case i == rows.Properties:
			if !c.IsNull(s.row) {
				rest = c.Text(s.row)
			}
		case i < rows.FirstProperty:
			fixed.Columns = append(fixed.Columns, c)
		default:
			properties.Columns = append(properties.Columns, c)
		}
	}
	more := properties.AppendJSON(nil, s.row)
	if len(rest) > 2 && len(more) > 2 {
		more = append(append(more[:len(more)-1], ','), rest[1:]...)
	} else if len(rest) > 2 {
		more = rest
	}
	text := bytes.TrimSuffix(fixed.AppendJSON(nil, s.row), []byte("}"))
	return append(append(append(text, `,"properties":`...), more...), '}')
}
