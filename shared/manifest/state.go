package manifest

import (
	"maps"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
)

// format is the version of the encoding of entries and states that this code
// writes. Readers refuse later ones.
const format = 1

// Next returns the state after one more entry. It shares nothing with s that
// either could change, so that a reader may go on with s.
func (s State) Next(e Entry) State {
	next := State{Format: format, Version: e.Version, Schema: s.Schema, Ledger: s.Ledger.Plus(e.Ledger), Through: s.Through}
	next.Segments = slices.Clone(s.Segments)
	next.Removed = s.removed(e)
	if len(e.Remove) > 0 {
		next.Segments = slices.DeleteFunc(next.Segments, func(r segment.Ref) bool { return slices.Contains(e.Remove, r.Key) })
	}
	next.Segments = append(next.Segments, e.Add...)
	if e.Schema != nil {
		next.Schema = *e.Schema
	}
	if e.Shard != "" {
		next.Through = maps.Clone(s.Through)
		if next.Through == nil {
			next.Through = map[stream.ShardID]stream.Sequence{}
		}
		next.Through[e.Shard] = e.Through
	}
	return next
}

// removed lists the removals that are remembered after an entry, in their order.
func (s State) removed(e Entry) []Removal {
	kept := s.Removed
	for len(kept) > 0 && e.At-kept[0].At >= MaxGrace.Microseconds() {
		kept = kept[1:]
	}
	kept = slices.Clip(kept) // what is appended is ours
	for _, key := range e.Remove {
		kept = append(kept, Removal{key, e.At})
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// Of returns the live segments of a kind.
func (s State) Of(kind segment.Kind) []segment.Ref {
	var out []segment.Ref
	for _, r := range s.Segments {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// Visible counts the rows of live segments: what a query sees, counted from the
// files and not from the ledger.
func (s State) Visible() int64 {
	var n int64
	for _, r := range s.Of(segment.Rows) {
		n += r.Rows
	}
	return n
}

// FreshSchema returns the schema of some columns and no others, behind another.
func FreshSchema(was dataset.Schema, columns []dataset.Column) dataset.Schema {
	if slices.Equal(was.Columns, columns) {
		return was
	}
	return dataset.Schema{Version: was.Version + 1, Columns: columns}
}

// MergeSchema returns the schema that holds the columns of both, wide enough for
// the values of both. Its version is the later one's successor if it differs from a.
func MergeSchema(a, b dataset.Schema) dataset.Schema {
	out := dataset.Schema{Version: max(a.Version, b.Version), Columns: slices.Clone(a.Columns)}
	for _, c := range b.Columns {
		if i := out.Find(c.Name); i < 0 {
			out.Columns = append(out.Columns, c)
		} else if !out.Columns[i].Declared {
			out.Columns[i] = out.Columns[i].Widen(c)
			out.Columns[i].Declared = c.Declared
		}
	}
	if !slices.Equal(out.Columns, a.Columns) && out.Version == a.Version {
		out.Version++
	}
	return out
}
