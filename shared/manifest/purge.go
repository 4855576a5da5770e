package manifest

import (
	"context"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Purge deletes at once what Sweep would delete in time: the segments that no version
// names any more, and returns their keys. Those that had been removed as of a state stay
// for who reads an earlier version only if they are spared; those that were removed
// since always stay. A file that a commit may still name stays unless doomed says that
// none can.
func (s Store) Purge(ctx context.Context, t tenant.ID, d dataset.ID, as State, spare bool, doomed func(key string) (bool, error)) (deleted []string, err error) {
	st, err := s.Refresh(ctx, t, d, as)
	if err != nil {
		return nil, err
	}
	stays := map[string]bool{}
	for _, r := range st.Removed {
		stays[r.Key] = true
	}
	for _, r := range as.Removed {
		stays[r.Key] = spare
	}
	for _, ref := range st.Segments {
		stays[ref.Key] = true
	}
	for _, kind := range segment.Kinds {
		for next := ""; ; {
			page, err := s.Blobs.List(ctx, segment.Prefix(t, d)+string(kind)+"/", next, 1000)
			if err != nil {
				return deleted, err
			}
			for _, b := range page.Blobs {
				gone, err := st.purgeable(b, stays, doomed)
				if err == nil && gone {
					err = s.Blobs.Delete(ctx, b.Key)
				}
				if err != nil {
					return deleted, err
				}
				if gone {
					deleted = append(deleted, b.Key)
				}
			}
			if next = page.Next; next == "" {
				break
			}
		}
	}
	return deleted, nil
}

func (s State) purgeable(b blob.Info, stays map[string]bool, doomed func(key string) (bool, error)) (bool, error) {
	if stays[b.Key] {
		return false, nil
	}
	if !s.claimable(b) {
		return true, nil
	}
	return doomed(b.Key)
}
