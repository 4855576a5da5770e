// Package compact keeps queries flat while small segments arrive: it replaces many by
// few, of the same rows. Rows of one day are sorted by subject and time; rows of many
// days are parted into days once a day has enough of them. A merge becomes visible in
// one manifest entry, so that a reader sees all of it or nothing, and it is refused
// when anybody else has removed what it read. docs/compaction.md says why it is as it is.
package compact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Shard is that whose records merges are: each has the next sequence in the names of
// its files, and moves the mark there. Of two merges at a time one is refused, and a
// sweep can tell a file that a merge may still claim from one that none can.
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
	mark, err := checkpoint.Store{Table: c.Manifest.Table}.Read(ctx, t, d, stream.Shard{ID: Shard})
	if err != nil {
		return Report{}, err
	}
	st, err := c.Manifest.Load(ctx, t, d)
	if err != nil {
		return Report{}, err
	}
	j, ok := c.Policy.pick(st, c.Now())
	if !ok {
		return Report{}, nil
	}
	sequence := mark.Through.Next()
	added, err := c.merge(ctx, segment.Origin{Tenant: t, Dataset: d, Shard: Shard, From: sequence, Through: sequence}, st.Schema, j)
	if err != nil {
		return Report{}, err
	}
	if err := sameRows(j.refs, added); err != nil {
		return Report{}, err
	}
	if c.Known != nil {
		c.Known.Inherit(added, j.refs)
	}
	change := manifest.Change{Add: added, Remove: keys(j.refs)}
	change.Commit = name(sequence, change)
	change.Mark = &manifest.MarkMove{Shard: stream.Shard{ID: Shard}, From: mark, To: mark.Advance(sequence, change.Commit, checkpoint.Seen{})}
	if _, err := c.Manifest.Commit(ctx, t, d, st, change); err != nil {
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

// name names the attempt after what it does, so that it is recognized when the answer
// to its commit is lost.
func name(sequence stream.Sequence, c manifest.Change) string {
	sum := sha256.Sum256([]byte(strings.Join(append(keys(c.Add), c.Remove...), "\n")))
	return string(Shard) + " " + string(sequence) + " " + hex.EncodeToString(sum[:8])
}
