package erasure

import (
	"context"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/suppression"
)

// reader reads whole segments, once.
func (w *rewriting) reader() *segment.Cache { return segment.NewCache(w.Manifest.Blobs, 0) }

// subject is who is erased, by hashes.
func (x *run) subject() segment.Subject {
	h := x.salt.Hasher()
	s := segment.Subject{Is: func(id string) bool { return x.whose[h.Subject(id)] }}
	for _, name := range x.names() {
		s.Probes = append(s.Probes, name.Probe)
	}
	return s
}

// rows rewrites a segment of rows if it holds any that go.
func (w *rewriting) rows(ctx context.Context, ref segment.Ref, c *change) (had bool, err error) {
	goes, err := w.going(ctx, c.State, ref)
	if err != nil || goes == nil {
		return false, err
	}
	batch, err := w.reader().ReadRows(ctx, ref)
	if err != nil {
		return false, err
	}
	stay := []int32{} // not nil: that would be all
	for row := range batch.Len {
		if !goes(batch, row) {
			stay = append(stay, int32(row)) // #nosec G115 -- a row of a segment
			continue
		}
		if c.record.Rows++; !ref.Table {
			hash := c.hasher.Event(w.dataset.ID, string(batch.Columns[rows.EventID].Text(row)))
			c.erased = append(c.erased, segment.Mark(hash, batch.Columns[rows.Time].Ints[row], batch.Columns[rows.Received].Ints[row]))
		}
	}
	if len(stay) == batch.Len {
		return false, nil
	}
	if len(stay) == 0 {
		c.replace(ref)
		return true, nil
	}
	now, err := segment.Rewrite(ctx, w.Manifest.Blobs, c.Next(), ref, c.State.Schema, batch, stay)
	if err != nil {
		return false, err
	}
	if w.Known != nil {
		w.Known.Inherit([]segment.Ref{now}, []segment.Ref{ref})
	}
	c.replace(ref, now)
	return true, nil
}

// going tells which rows of a segment go; nil: none of them.
func (w *rewriting) going(ctx context.Context, st manifest.State, ref segment.Ref) (func(rows.Batch, int) bool, error) {
	if w.Filter != nil {
		return w.matched(ctx, st, ref)
	}
	s := w.subject()
	has, err := w.cache.Has(ctx, ref, s)
	if err != nil || !has {
		return nil, err
	}
	return s.Holds, nil
}

// matched tells the rows that the filter matches, by the ids of their events.
func (w *rewriting) matched(ctx context.Context, st manifest.State, ref segment.Ref) (func(rows.Batch, int) bool, error) {
	plan, err := bind(w.dataset, manifest.MergeSchema(st.Schema, dataset.Schema{Columns: w.dataset.Declared}), w.Filter)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	err = w.Engine.Read(ctx, plan, ref, 0, ref.Rows, func(row []query.Value) error { ids[row[0].Text()] = true; return nil })
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return func(b rows.Batch, row int) bool { return ids[string(b.Columns[rows.EventID].Text(row))] }, nil
}

// quarantined rewrites a segment of quarantine if an event in it mentions the subject.
// In the ledger such events become dropped ones.
func (w *rewriting) quarantined(ctx context.Context, ref segment.Ref, c *change) (had bool, err error) {
	if w.Hash == "" {
		return false, nil // a filter is of rows
	}
	all, err := w.reader().ReadQuarantine(ctx, ref)
	if err != nil {
		return false, err
	}
	var stay []segment.QuarantineRow
	for _, q := range all {
		if !w.mentioned(q.Raw) {
			stay = append(stay, q)
			continue
		}
		c.record.Quarantined++
		c.dropped = append(c.dropped, segment.Mark(c.hasher.Event(w.dataset.ID, q.EventID), q.Received, q.Received))
		a := ledger.Account{Hour: ledger.HourOf(q.Received), Producer: events.Producer(q.Producer)}
		c.lines[a] = c.lines[a].Plus(ledger.Counts{Quarantined: -1, Dropped: 1})
	}
	if len(stay) == len(all) {
		return false, nil
	}
	if len(stay) == 0 {
		c.replace(ref)
		return true, nil
	}
	now, err := segment.WriteQuarantine(ctx, w.Manifest.Blobs, c.Next(), stay)
	if err == nil {
		c.replace(ref, now)
	}
	return true, err
}

// mentioned reports whether a quarantined text mentions the subject.
func (x *run) mentioned(text []byte) bool {
	return suppression.Mentions(text, x.subject().Named)
}

// duplicates rewrites a segment of duplicates if it holds copies of what was erased.
func (w *rewriting) duplicates(ctx context.Context, ref segment.Ref, c *change) (had bool, err error) {
	marks := c.State.Of(segment.Erased)
	if len(marks) == 0 {
		return false, nil
	}
	all, err := w.reader().ReadDuplicates(ctx, ref)
	if err != nil {
		return false, err
	}
	ids, may := make([]segment.ID, len(all)), make([]bool, len(all))
	for i, d := range all {
		ids[i], may[i] = segment.NewID(c.hasher.Event(w.dataset.ID, d.EventID)), true
	}
	erased := make([]bool, len(all))
	const unlearned = 1 // no segment of marks was ever learned
	if err := w.cache.Lookup(marks).Stored(ctx, ids, may, unlearned, erased); err != nil {
		return false, err
	}
	var stay []segment.DuplicateRow
	for i, d := range all {
		if !erased[i] {
			stay = append(stay, d)
		}
	}
	if len(stay) == len(all) {
		return false, nil
	}
	c.record.Duplicates += int64(len(all) - len(stay))
	if len(stay) == 0 {
		c.replace(ref)
		return true, nil
	}
	now, err := segment.WriteDuplicates(ctx, w.Manifest.Blobs, c.Next(), stay)
	if err == nil {
		c.replace(ref, now)
	}
	return true, err
}
