package manifest

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Sweep deletes the segments of a dataset that no version names any more and nobody
// can claim or holds, and the snapshots that newer ones replaced, and returns how many. A
// segment that was never committed can be claimed for as long as its shard's mark is
// before its first record, however old the file: a redelivery makes the same name
// again. A segment that was removed may be read for grace, which must be longer than
// any reader lives, MaxGrace at most.
func (s Store) Sweep(ctx context.Context, t tenant.ID, d dataset.ID, grace time.Duration) (deleted int, err error) {
	if grace > MaxGrace {
		return 0, fmt.Errorf("a grace of %v, of %v at most", grace, MaxGrace)
	}
	before := s.Now().Add(-grace)
	snapshot, err := s.snapshotOf(ctx, t, d)
	if err != nil {
		return 0, err
	}
	st, err := s.Load(ctx, t, d)
	if err != nil {
		return 0, err
	}
	item, held, err := s.held(ctx, t, d)
	if err != nil {
		return 0, err
	}
	read := st.read(before)
	held.add(read, s.Now())
	segments := func(b blob.Info) bool { return read[b.Key] || !b.Modified.Before(before) || st.claimable(b) }
	snapshots := func(b blob.Info) bool {
		return b.Key == snapshot || b.Key == item.Attributes["blob"] || !b.Modified.Before(before)
	}
	for _, kind := range segment.Kinds {
		n, err := blob.Clear(ctx, s.Blobs, segment.Prefix(t, d)+string(kind)+"/", segments)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	n, err := blob.Clear(ctx, s.Blobs, segment.Prefix(t, d)+stateFolder+"/", snapshots)
	return deleted + n, err
}

// read tells of the segments that a reader may ask for who began at or after a time.
func (s State) read(since time.Time) map[string]bool {
	keys := map[string]bool{}
	for _, ref := range s.Segments {
		keys[ref.Key] = true
	}
	for _, r := range s.Removed {
		if r.At >= since.UnixMicro() {
			keys[r.Key] = true
		}
	}
	return keys
}

// snapshotOf returns the key of the newest snapshot, empty where there is none.
func (s Store) snapshotOf(ctx context.Context, t tenant.ID, d dataset.ID) (string, error) {
	item, err := s.Table.Get(ctx, stateKey(t, d))
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return item.Attributes["blob"], err
}

// claimable reports whether a commit may still name the blob: its shard has not
// been folded up to the blob's first record.
func (s State) claimable(b blob.Info) bool {
	parts := strings.Split(path.Base(b.Key), "-") // shard (which may hold '-'), from, through, hash
	n := len(parts)
	if n < 4 {
		return true // not ours to judge
	}
	shard := stream.ShardID(strings.Join(parts[:n-3], "-"))
	return stream.Sequence(parts[n-3]).After(s.Through[shard])
}

// Delete deletes every item and every blob of a dataset that was deleted, and returns
// how many of each. It must be repeated until no commit can follow it.
func (s Store) Delete(ctx context.Context, t tenant.ID, d dataset.ID) (blobs, items int, err error) {
	if blobs, err = blob.Clear(ctx, s.Blobs, segment.Prefix(t, d), nil); err != nil {
		return blobs, 0, err
	}
	items, err = table.Clear(ctx, s.Table, checkpoint.Partition(t, d))
	return blobs, items, err
}
