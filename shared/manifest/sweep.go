package manifest

import (
	"context"
	"path"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Sweep deletes the segments of a dataset that no version names any more and nobody
// can claim, and returns how many. A segment that was never committed can be claimed
// for as long as its shard's mark is before its first record, however old the file:
// a redelivery makes the same name again. A segment that was removed may be read for
// grace, which must be longer than any reader lives.
func (s Store) Sweep(ctx context.Context, t tenant.ID, d dataset.ID, grace time.Duration) (deleted int, err error) {
	before := s.Now().Add(-grace)
	st, err := s.Load(ctx, t, d)
	if err != nil {
		return 0, err
	}
	live := map[string]bool{}
	for _, ref := range st.Segments {
		live[ref.Key] = true
	}
	for _, kind := range []segment.Kind{segment.Rows, segment.Duplicates, segment.Quarantine} {
		for next := ""; ; {
			page, err := s.Blobs.List(ctx, segment.Prefix(t, d)+string(kind)+"/", next, 1000)
			if err != nil {
				return deleted, err
			}
			for _, b := range page.Blobs {
				if live[b.Key] || !b.Modified.Before(before) || st.claimable(b) {
					continue
				}
				if err := s.Blobs.Delete(ctx, b.Key); err != nil {
					return deleted, err
				}
				deleted++
			}
			if next = page.Next; next == "" {
				break
			}
		}
	}
	return deleted, nil
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
