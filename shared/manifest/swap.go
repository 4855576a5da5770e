package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Swap is a change in the making that replaces segments: a record of a shard of its
// own, as what the stream brings is a record of one of the stream's. So it has the next
// sequence in the names of its files, of two swaps of a shard at a time one is refused,
// and a sweep can tell a file that a swap may still claim from one that none can.
type Swap struct {
	State  State // that segments are chosen from
	origin segment.Origin
	store  Store
	mark   checkpoint.Mark
}

// Begin begins a swap of a shard's.
func (s Store) Begin(ctx context.Context, t tenant.ID, d dataset.ID, shard stream.ShardID) (Swap, error) {
	mark, err := checkpoint.Store{Table: s.Table}.Read(ctx, t, d, stream.Shard{ID: shard})
	if err != nil {
		return Swap{}, err
	}
	st, err := s.Load(ctx, t, d) // after the mark: whoever moves it is in the state, or is met when this is committed
	next := mark.Through.Next()
	return Swap{st, segment.Origin{Tenant: t, Dataset: d, Shard: shard, From: next, Through: next}, s, mark}, err
}

// Next returns the origin of the next segment that is written in the place of others. No
// two have the same: what is left of two segments may be.
func (w *Swap) Next() segment.Origin {
	w.origin.Nth++
	return w.origin
}

// Sequence is the record that the swap is.
func (w *Swap) Sequence() stream.Sequence { return w.origin.From }

// Commit makes the change visible. It fails with fault.Conflict when another swap of the
// shard was faster, or when somebody else has removed what was chosen: what was written
// is then nobody's, and the swap must begin anew. A change that has no name gets one.
func (w Swap) Commit(ctx context.Context, c Change) error {
	if c.Commit == "" {
		c.Commit = w.name(c)
	}
	c.Mark = &MarkMove{Shard: stream.Shard{ID: w.origin.Shard}, From: w.mark, To: w.mark.Advance(w.origin.From, c.Commit, checkpoint.Seen{})}
	_, err := w.store.Commit(ctx, w.origin.Tenant, w.origin.Dataset, w.State, c)
	return err
}

// name names the attempt after what it does, so that it is recognized when the answer
// to its commit is lost.
func (w Swap) name(c Change) string {
	var keys []string
	for _, ref := range c.Add {
		keys = append(keys, ref.Key)
	}
	sum := sha256.Sum256([]byte(strings.Join(append(keys, c.Remove...), "\n")))
	return string(w.origin.Shard) + " " + string(w.origin.From) + " " + hex.EncodeToString(sum[:8])
}
