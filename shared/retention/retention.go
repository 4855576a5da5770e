// Package retention removes what is older than a dataset keeps it. Rows go by the UTC
// day of their event time, all else by that of its arrival. Segments of which nothing is
// left go without being read; the others are written anew. docs/retention.md says what
// follows for the ledger, for copies that are sent later and for what was made of the
// rows.
package retention

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Shard is that whose records removals are.
const Shard stream.ShardID = "retention"

// Bounds of one removal: of a commit, and of what is read into memory for it.
const (
	maxFiles = 40
	maxRows  = 1 << 20
)

// Keeper removes what has expired.
type Keeper struct {
	Manifest manifest.Store
	Known    *segment.Cache // of a process that folds too: what it knows of ids it knows of those that stay; nil: none
	Now      func() time.Time
}

// Report is what went.
type Report struct {
	Segments int   `json:"segments"` // removed, or written anew with fewer rows
	Rows     int64 `json:"rows"`     // of the dataset: not copies, quarantined events and marks
}

// Plus returns the sum of both.
func (r Report) Plus(s Report) Report { return Report{r.Segments + s.Segments, r.Rows + s.Rows} }

// Step removes what has expired of a dataset, as much as one commit takes. Its report is
// zero when there is nothing. It fails with fault.Conflict when somebody else was faster;
// the next Step begins again.
func (k Keeper) Step(ctx context.Context, t tenant.ID, d dataset.Dataset) (Report, error) {
	if d.Settings.RetentionDays == nil {
		return Report{}, nil
	}
	swap, err := k.Manifest.Begin(ctx, t, d.ID, Shard)
	if err != nil {
		return Report{}, err
	}
	s := step{Keeper: k, swap: swap, limit: limitAt(d.Settings, k.Now()), lines: map[ledger.Account]ledger.Counts{}}
	read := int64(0)
	for _, ref := range swap.State.Segments {
		if len(s.change.Remove) == maxFiles || read > maxRows {
			break
		}
		switch s.limit.of(ref) {
		case some:
			read += ref.Rows
			err = s.rewrite(ctx, ref)
		case all:
			err = s.remove(ctx, ref)
		}
		if err != nil {
			return Report{}, err
		}
	}
	if len(s.change.Remove) == 0 {
		return Report{}, nil
	}
	s.change.Ledger = ledger.Delta{Erased: s.rows, Expired: s.rows, Lines: ledger.Lines(s.lines)}
	return Report{len(s.change.Remove), s.rows}, swap.Commit(ctx, s.change)
}

// step is a commit in the making.
type step struct {
	Keeper
	swap   manifest.Swap
	limit  limit
	change manifest.Change
	rows   int64
	lines  map[ledger.Account]ledger.Counts
}

// remove takes a segment away of which all has expired.
func (s *step) remove(ctx context.Context, ref segment.Ref) error {
	s.change.Remove = append(s.change.Remove, ref.Key)
	switch ref.Kind {
	case segment.Rows:
		s.rows += ref.Rows
	case segment.Quarantine:
		return s.drop(ctx, ref)
	}
	return nil
}

// drop moves the events of a segment from one account of the ledger to another.
func (s *step) drop(ctx context.Context, ref segment.Ref) error {
	gone, err := s.reader().ReadQuarantine(ctx, ref)
	for _, q := range gone {
		a := ledger.Account{Hour: ledger.HourOf(q.Received), Producer: events.Producer(q.Producer)}
		s.lines[a] = s.lines[a].Plus(ledger.Counts{Quarantined: -1, Dropped: 1})
	}
	return err
}

// rewrite stores what stays of a segment.
func (s *step) rewrite(ctx context.Context, ref segment.Ref) error {
	now, err := s.rest(ctx, ref)
	if err != nil {
		return err
	}
	if ref.Kind == segment.Rows {
		s.rows += ref.Rows - now.Rows
		if s.Known != nil {
			s.Known.Inherit([]segment.Ref{now}, []segment.Ref{ref})
		}
	}
	s.change.Remove = append(s.change.Remove, ref.Key)
	s.change.Add = append(s.change.Add, now)
	return nil
}

func (s *step) rest(ctx context.Context, ref segment.Ref) (segment.Ref, error) {
	if ref.Kind != segment.Rows {
		return s.restOfShort(ctx, ref)
	}
	batch, err := s.reader().ReadRows(ctx, ref)
	if err != nil {
		return segment.Ref{}, err
	}
	var stay []int32
	for row, at := range batch.Columns[rows.Time].Ints[:batch.Len] {
		if at >= s.limit.time {
			stay = append(stay, int32(row)) // #nosec G115 -- a row of a segment
		}
	}
	return segment.Rewrite(ctx, s.Manifest.Blobs, s.swap.Next(), ref, s.swap.State.Schema, batch, stay)
}

// restOfShort is rest of copies and marks.
func (s *step) restOfShort(ctx context.Context, ref segment.Ref) (segment.Ref, error) {
	was, err := s.reader().ReadDuplicates(ctx, ref)
	if err != nil {
		return segment.Ref{}, err
	}
	var stay []segment.DuplicateRow
	for _, row := range was {
		if row.Received >= s.limit.time {
			stay = append(stay, row)
		}
	}
	return segment.WriteShort(ctx, s.Manifest.Blobs, s.swap.Next(), ref.Kind, stay)
}

// reader reads whole segments, once.
func (s *step) reader() *segment.Cache { return segment.NewCache(s.Manifest.Blobs, 0) }
