// Package compact keeps queries flat while small segments arrive: it replaces many by
// few, of the same rows. Rows of one day are sorted by subject and time; rows of many
// days are parted into days once a day has enough of them. A merge becomes visible in
// one manifest entry, so that a reader sees all of it or nothing, and it is refused
// when anybody else has removed what it read. docs/compaction.md says why it is as it is.
package compact

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Shard is that whose records merges are.
const Shard stream.ShardID = "compact"

// Compactor merges segments.
type Compactor struct {
	Manifest manifest.Store
	Known    *segment.Cache // of a process that folds too: what it knows of ids it knows of merged ones; nil: none
	Policy   Policy
	Now      func() time.Time
}

// Report is what was merged.
type Report struct {
	Merges  int   `json:"merges"`
	Removed int   `json:"removed"` // segments
	Added   int   `json:"added"`   // segments
	Rows    int64 `json:"rows"`    // written
}

// Plus returns the sum of both.
func (r Report) Plus(s Report) Report {
	return Report{r.Merges + s.Merges, r.Removed + s.Removed, r.Added + s.Added, r.Rows + s.Rows}
}

// Step does the merge of a dataset that is worth most. Its report is zero when none
// is worth it. It fails with fault.Conflict when somebody else was faster; what it
// wrote is then nobody's, and the next Step begins again.
func (c Compactor) Step(ctx context.Context, t tenant.ID, d dataset.ID) (Report, error) {
	swap, err := c.Manifest.Begin(ctx, t, d, Shard)
	if err != nil {
		return Report{}, err
	}
	j, ok := c.Policy.pick(swap.State, c.Now())
	if !ok {
		return Report{}, nil
	}
	added, err := c.merge(ctx, swap.Next(), swap.State.Schema, j)
	if err != nil {
		return Report{}, err
	}
	if err := sameRows(j.refs, added); err != nil {
		return Report{}, err
	}
	if c.Known != nil {
		c.Known.Inherit(added, j.refs)
	}
	if err := swap.Commit(ctx, manifest.Change{Add: added, Remove: keys(j.refs)}); err != nil {
		return Report{}, err
	}
	return Report{Merges: 1, Removed: len(j.refs), Added: len(added), Rows: rowsOf(added)}, nil
}

// sameRows refuses a merge that would change a number.
func sameRows(removed, added []segment.Ref) error {
	if before, after := rowsOf(removed), rowsOf(added); before != after {
		return fault.New(fault.Internal, "rows_differ", "a merge of %d rows made %d", before, after)
	}
	return nil
}

func rowsOf(refs []segment.Ref) (n int64) {
	for _, ref := range refs {
		n += ref.Rows
	}
	return n
}

func keys(refs []segment.Ref) []string {
	all := make([]string, len(refs))
	for i, ref := range refs {
		all[i] = ref.Key
	}
	return all
}
