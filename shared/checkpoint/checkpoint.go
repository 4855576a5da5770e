// Package checkpoint records how far each shard of the stream has been folded into
// each dataset. Records arrive at least once; they count once because a segment
// is visible only through the Swap that commits it. An event that was sent twice is
// two deliveries: package tail deals with that.
package checkpoint

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Mark is the progress of one shard in one dataset. The zero Mark means nothing
// was read yet.
type Mark struct {
	Through stream.Sequence // the last record folded in
	Commit  string          // names the attempt that put the mark here
	Seen    Seen            // positions of producers, so that a repeated put is recognized
	stored  bool            // the mark is in the table, not inherited or fresh
}

// Advance returns the mark that a commit moves m to.
func (m Mark) Advance(through stream.Sequence, commit string, seen Seen) Mark {
	seen.forget()
	return Mark{Through: through, Commit: commit, Seen: seen, stored: true}
}

// Partition is where the marks, the log and the live segments of a dataset are:
// one partition, because one transaction writes them.
func Partition(t tenant.ID, d dataset.ID) string { return "manifest#" + string(t) + "#" + string(d) }

// Store keeps marks in a table.
type Store struct{ Table table.Table }

type body struct {
	Seen []laneJSON `json:"seen"`
}

func key(t tenant.ID, d dataset.ID, shard stream.ShardID) table.Key {
	return table.Key{Partition: Partition(t, d), Sort: "mark#" + string(shard)}
}

// Read returns the mark of a shard. A shard without one inherits what its parents
// have seen, from the start of its own records.
func (s Store) Read(ctx context.Context, t tenant.ID, d dataset.ID, shard stream.Shard) (Mark, error) {
	m, err := s.read(ctx, t, d, shard.ID)
	if !fault.Is(err, fault.NotFound) {
		return m, err
	}
	for _, parent := range shard.Parents {
		p, err := s.read(ctx, t, d, parent)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return Mark{}, err
		}
		m.Seen.Merge(p.Seen)
	}
	return m, nil
}

func (s Store) read(ctx context.Context, t tenant.ID, d dataset.ID, shard stream.ShardID) (Mark, error) {
	item, err := s.Table.Get(ctx, key(t, d, shard))
	if err != nil {
		return Mark{}, err
	}
	var b body
	if err := json.Unmarshal(item.Body, &b); err != nil {
		return Mark{}, fmt.Errorf("mark of shard %s: %w", shard, err)
	}
	return Mark{Through: stream.Sequence(item.Attributes["through"]), Commit: item.Attributes["commit"], Seen: seenOf(b.Seen), stored: true}, nil
}

// Swap moves a shard's mark, together with whatever else the same commit writes.
// It fails with fault.Conflict unless the shard is still at from: of two workers
// on one shard, one advances it.
func (s Store) Swap(t tenant.ID, d dataset.ID, shard stream.ShardID, from, to Mark) table.Write {
	text, err := json.Marshal(body{to.Seen.list()})
	if err != nil {
		panic(err) // numbers only
	}
	put := table.Put(table.Item{
		Key:        key(t, d, shard),
		Attributes: map[string]string{"through": string(to.Through), "commit": to.Commit},
		Body:       text,
	})
	if !from.stored {
		return put.If(table.Absent)
	}
	return put.If(table.Equal("through", string(from.Through)))
}
