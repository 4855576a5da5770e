package table

import "context"

// Clear deletes the items of a partition and returns how many. What others put there
// meanwhile may stay. When it fails, a part is deleted; clearing again goes on.
func Clear(ctx context.Context, t Table, partition string) (deleted int, err error) {
	for {
		page, err := t.List(ctx, Query{Partition: partition, Limit: MaxWrites})
		if err != nil || len(page.Items) == 0 {
			return deleted, err
		}
		writes := make([]Write, len(page.Items))
		for i, item := range page.Items {
			writes[i] = Delete(item.Key)
		}
		if err := t.Commit(ctx, writes...); err != nil {
			return deleted, err
		}
		if deleted += len(writes); page.Next == "" {
			return deleted, nil
		}
	}
}
