package connector

import (
	"context"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// latest is the partition of the jobs that connectors were last synced by. Nothing but
// what people are shown depends on them: how far a table was read is with its rows.
func latest(t tenant.ID) string { return "connectors#" + string(t) + "#latest" }

func latestKey(t tenant.ID, id ID) table.Key {
	return table.Key{Partition: latest(t), Sort: string(id)}
}

// began notes the job that syncs a connector, for as long as the job is remembered.
func (s Store) began(ctx context.Context, c Connector, j job.Job) error {
	return s.Table.Commit(ctx, table.Put(table.Item{Key: latestKey(j.Tenant, c.ID), Body: []byte(j.ID), Expires: j.Expires}))
}

// Latest returns the jobs by which connectors were synced last, begun or ended.
func (s Store) Latest(ctx context.Context, t tenant.ID) (map[ID]job.ID, error) {
	jobs := map[ID]job.ID{}
	for next := ""; ; {
		page, err := s.Table.List(ctx, table.Query{Partition: latest(t), Next: next})
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			jobs[ID(item.Key.Sort)] = job.ID(item.Body)
		}
		if next = page.Next; next == "" {
			return jobs, nil
		}
	}
}
