package job

import (
	"context"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// List returns a page of a tenant's jobs, the newest first, of one state or of all
// (empty), without their requests. A page may be short; next continues.
func (s Jobs) List(ctx context.Context, t tenant.ID, of State, next string, limit int) (jobs []Job, more string, err error) {
	q := table.Query{Partition: partition(t), Prefix: "job#", Reverse: true, Limit: limit, Next: next}
	if of != "" {
		q.Prefix = "in#" + string(of) + "#"
	}
	page, err := s.Table.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	for _, item := range page.Items {
		var j Job
		if of == "" {
			j, err = decode(item)
		} else {
			j, err = s.load(ctx, t, idOf(item.Key.Sort))
		}
		switch {
		case fault.Is(err, fault.NotFound): // it has expired since
		case err != nil:
			return nil, "", err
		case of == "" || j.State == of: // or it has moved on since
			jobs = append(jobs, j)
		}
	}
	return jobs, page.Next, nil
}
