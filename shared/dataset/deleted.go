package dataset

import (
	"context"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// tenants is the partition with one item for each tenant that ever made a dataset,
// because a table cannot be asked for its partitions. No tenant's own partition is
// called so: theirs have '#' in the place of '/'.
const tenants = "catalog/tenants"

const deletedPrefix = "deleted#"

// Tombstone stands for a dataset whose data is still to be deleted.
type Tombstone struct {
	ID      ID
	Deleted time.Time
}

func tenantItem(t tenant.ID) table.Item {
	return table.Item{Key: table.Key{Partition: tenants, Sort: string(t)}}
}

func tombstoneKey(t tenant.ID, id ID) table.Key {
	return table.Key{Partition: partition(t), Sort: deletedPrefix + string(id)}
}

// Delete removes a dataset from the catalog and leaves a tombstone. Its rows are
// unreachable from then on, and its name may be used again.
func (c Catalog) Delete(ctx context.Context, t tenant.ID, n Name) (Dataset, error) {
	d, err := c.Get(ctx, t, n)
	if err != nil {
		return Dataset{}, err
	}
	err = c.Table.Commit(ctx,
		table.Delete(nameKey(t, n)).If(table.Present),
		table.Delete(idKey(t, d.ID)).If(table.Present), // or the name is another dataset's by now
		table.Put(table.Item{Key: tombstoneKey(t, d.ID), Attributes: map[string]string{"at": c.Now().UTC().Format(time.RFC3339Nano)}}))
	if fault.Is(err, fault.Conflict) {
		return Dataset{}, fault.New(fault.Conflict, "dataset_changed", "dataset %q was deleted meanwhile", n).
			WithHint("read it again and decide anew")
	}
	return d, err
}

// Tenants returns a page of the tenants that have made a dataset; next continues.
func (c Catalog) Tenants(ctx context.Context, next string) (all []tenant.ID, more string, err error) {
	page, err := c.Table.List(ctx, table.Query{Partition: tenants, Next: next})
	for _, item := range page.Items {
		all = append(all, tenant.ID(item.Key.Sort))
	}
	return all, page.Next, err
}

// Deleted returns a page of a tenant's tombstones in order of their ids; next continues.
func (c Catalog) Deleted(ctx context.Context, t tenant.ID, next string) (all []Tombstone, more string, err error) {
	page, err := c.Table.List(ctx, table.Query{Partition: partition(t), Prefix: deletedPrefix, Next: next})
	if err != nil {
		return nil, "", err
	}
	for _, item := range page.Items {
		at, err := time.Parse(time.RFC3339Nano, item.Attributes["at"])
		if err != nil {
			return nil, "", fmt.Errorf("catalog item %s: %w", item.Key.Sort, err)
		}
		all = append(all, Tombstone{ID: ID(item.Key.Sort[len(deletedPrefix):]), Deleted: at})
	}
	return all, page.Next, nil
}

// Bury removes a tombstone, and what was declared for the dataset's events: nothing is
// left of it, and nothing can follow.
func (c Catalog) Bury(ctx context.Context, t tenant.ID, id ID) error {
	if _, err := table.Clear(ctx, c.Table, enrichments(t, id)); err != nil {
		return err
	}
	return c.Table.Commit(ctx, table.Delete(tombstoneKey(t, id)))
}
