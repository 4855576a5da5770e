package load

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

// settle writes those of the load's own segments anew that have rows which later ones
// replaced, and counts them all.
func (a *attempt) settle(ctx context.Context) error {
	for _, w := range a.own {
		ref, left, err := a.without(ctx, w.ref, w.dead)
		if err != nil {
			return err
		}
		if left {
			a.change.Add = append(a.change.Add, ref)
			a.loaded.Rows += ref.Rows
		}
	}
	a.loaded.Segments = len(a.change.Add)
	return nil
}

// replace ends what the mode says goes of the rows that were there.
func (a *attempt) replace(ctx context.Context) error {
	for _, ref := range a.swap.State.Segments {
		var err error
		switch {
		case a.Mode == Replace && ref.Kind == segment.Rows:
			a.ends(ref)
			a.loaded.Replaced += ref.Rows
		case a.Mode == Replace && ref.Kind == segment.Quarantine:
			a.ends(ref)
			err = a.endQuarantine(ctx, ref)
		case a.Mode == Upsert && ref.Kind == segment.Rows:
			err = a.rewrite(ctx, ref, a.Key, a.met)
		case a.Mode == Restate && ref.Kind == segment.Rows && a.Parted.Meets(ref):
			err = a.rewrite(ctx, ref, []string{a.Parted.Column}, a.parted)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *attempt) ends(ref segment.Ref) { a.change.Remove = append(a.change.Remove, ref.Key) }

// endQuarantine takes what a load before this one could not store out of the accounts.
func (a *attempt) endQuarantine(ctx context.Context, ref segment.Ref) error {
	was, err := a.reader().ReadQuarantine(ctx, ref)
	for _, q := range was {
		a.bad.end(ledger.Account{Hour: ledger.HourOf(q.Received)})
	}
	return err
}

// met finds the rows whose keys the load has met.
func (a *attempt) met(batch rows.Batch) (dead []int32) {
	columns, missing := a.keys.columns(batch)
	if missing != "" {
		return nil // no row of the segment has a key
	}
	for row := range batch.Len {
		if key, ok := a.keys.of(columns, row); ok {
			if _, met := a.keys.place[key]; met {
				dead = append(dead, int32(row)) // #nosec G115 -- a row of a segment
			}
		}
	}
	return dead
}

// parted finds the rows of the parts that the load is of.
func (a *attempt) parted(batch rows.Batch) (dead []int32) {
	var column *rows.Column
	if i := slices.IndexFunc(batch.Columns, func(c rows.Column) bool { return c.Name == a.Parted.Column }); i >= 0 {
		column = &batch.Columns[i]
	}
	for row := range batch.Len {
		if a.Parted.Has(column, row) {
			dead = append(dead, int32(row)) // #nosec G115 -- a row of a segment
		}
	}
	return dead
}

// rewrite takes rows out of a segment, which are found by some columns.
func (a *attempt) rewrite(ctx context.Context, ref segment.Ref, columns []string, find func(rows.Batch) []int32) error {
	if a.keys != nil && len(a.keys.place) == 0 {
		return nil
	}
	batch, err := a.reader().ReadColumns(ctx, ref, columns)
	if err != nil {
		return err
	}
	dead := find(batch)
	if len(dead) == 0 {
		return nil
	}
	n := int64(len(dead))
	now, left, err := a.without(ctx, ref, dead)
	if err != nil {
		return err
	}
	a.ends(ref)
	a.loaded.Replaced += n
	if left {
		a.change.Add = append(a.change.Add, now)
	}
	return nil
}

// without returns a segment of the rows that are left of one, if any are.
func (a *attempt) without(ctx context.Context, ref segment.Ref, dead []int32) (now segment.Ref, left bool, err error) {
	if len(dead) == 0 {
		return ref, true, nil
	}
	if int64(len(dead)) == ref.Rows {
		return segment.Ref{}, false, nil
	}
	batch, err := a.reader().ReadRows(ctx, ref)
	if err != nil {
		return segment.Ref{}, false, err
	}
	slices.Sort(dead)
	stay, all := make([]int32, 0, batch.Len-len(dead)), int32(batch.Len) // #nosec G115 -- the rows of a segment
	for row := range all {
		if len(dead) > 0 && dead[0] == row {
			dead = dead[1:]
			continue
		}
		stay = append(stay, row)
	}
	now, err = segment.WriteTable(ctx, a.manifest.Blobs, a.swap.Next(), batch, stay)
	return now, true, err
}

// reader reads segments, once.
func (a *attempt) reader() *segment.Cache { return segment.NewCache(a.manifest.Blobs, 0) }
