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

const marks = "mark#"

func key(t tenant.ID, d dataset.ID, shard stream.ShardID) table.Key {
	return table.Key{Partition: Partition(t, d), Sort: marks + string(shard)}
}

// Read returns the mark of a shard. A shard without one that descends from others
// inherits what has been seen in any shard of the dataset, from the start of its own
// records: a forebear's mark may be several reshardings back, with shards between
// that never had a record, and what was folded anywhere must not be folded again.
func (s Store) Read(ctx context.Context, t tenant.ID, d dataset.ID, shard stream.Shard) (Mark, error) {
	item, err := s.Table.Get(ctx, key(t, d, shard.ID))
	if err == nil {
		return parse(item)
	}
	if !fault.Is(err, fault.NotFound) || len(shard.Parents) == 0 {
		return Mark{}, ignore(err, fault.NotFound)
	}
	return s.inherit(ctx, t, d)
}

func ignore(err error, kind fault.Kind) error {
	if fault.Is(err, kind) {
		return nil
	}
	return err
}

func (s Store) inherit(ctx context.Context, t tenant.ID, d dataset.ID) (m Mark, err error) {
	q := table.Query{Partition: Partition(t, d), Prefix: marks}
	for {
		page, err := s.Table.List(ctx, q)
		if err != nil {
			return Mark{}, err
		}
		for _, item := range page.Items {
			other, err := parse(item)
			if err != nil {
				return Mark{}, err
			}
			m.Seen.Merge(other.Seen)
		}
		if q.Next = page.Next; q.Next == "" {
			return m, nil
		}
	}
}

func parse(item table.Item) (Mark, error) {
	var b body
	if err := json.Unmarshal(item.Body, &b); err != nil {
		return Mark{}, fmt.Errorf("mark %s: %w", item.Key.Sort, err)
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
