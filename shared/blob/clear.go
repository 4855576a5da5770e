package blob

import "context"

// Clear deletes the blobs whose keys begin with prefix, but for those that keep says
// yes to, and returns how many. A nil keep keeps none. When it fails, a part is
// deleted; clearing again goes on.
func Clear(ctx context.Context, s Store, prefix string, keep func(Info) bool) (deleted int, err error) {
	for next := ""; ; {
		page, err := s.List(ctx, prefix, next, 1000)
		if err != nil {
			return deleted, err
		}
		for _, b := range page.Blobs {
			if keep != nil && keep(b) {
				continue
			}
			if err := s.Delete(ctx, b.Key); err != nil {
				return deleted, err
			}
			deleted++
		}
		if next = page.Next; next == "" {
			return deleted, nil
		}
	}
}
