package erasure

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
)

// Deleted counts files and answers that went with the rows. After a step that was broken
// off and done again it may be short of what the first try deleted.
type Deleted struct {
	Files    int `json:"files" doc:"old segments, and those of commits that never came"`
	Partials int `json:"partials" doc:"kept answers over segments"`
	Uploads  int `json:"uploads" doc:"files that were uploaded to be loaded: what they hold is not looked for"`
	Exports  int `json:"exports" doc:"files of exports of the datasets that were touched"`
	Answers  int `json:"answers" doc:"whole answers that processes share"`
	Requests int `json:"requests" doc:"of jobs that ended, and payloads of the audit log, that mentioned the subject"`
}

// forget deletes what a dataset still has of the old segments, and them.
func (x *run) forget(ctx context.Context, d dataset.Dataset) error {
	t := x.job.Tenant
	uploads, err := file.Forget(ctx, x.Manifest.Blobs, t, d.ID)
	if x.Deleted.Uploads += uploads; err != nil {
		return err
	}
	done, err := x.records(ctx, d.ID)
	if err != nil {
		return err
	}
	touched := len(done) > 0
	st, err := x.Manifest.Load(ctx, t, d.ID)
	if err != nil {
		return err
	}
	if touched && x.Lake != nil && d.Kind == dataset.Events {
		if err := x.Lake.Erase(ctx, t, d); err != nil {
			return retried(err)
		}
	}
	if touched && x.Swapped != nil {
		if err := x.Swapped(ctx, t, d); err != nil {
			return err
		}
	}
	files, err := x.Manifest.Purge(ctx, t, d.ID, st, !touched, func(key string) (bool, error) { return x.doomed(ctx, key) })
	if x.Deleted.Files += len(files); err != nil || !touched {
		return err
	}
	n, err := blob.Clear(ctx, x.Manifest.Blobs, segment.Prefix(t, d.ID)+partial.Folder+"/", nil)
	x.Deleted.Partials += n
	return err
}

// doomed reports whether a file that a commit might still name holds the subject. No such
// commit can come: that of a seal was not held against the list, that of a merge has read
// what is not live any more.
func (x *run) doomed(ctx context.Context, key string) (bool, error) {
	if x.Hash == "" {
		return false, nil
	}
	r, err := x.Manifest.Blobs.Get(ctx, key, 0, -1)
	if fault.Is(err, fault.NotFound) {
		return false, nil // somebody deleted it
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, "blob_read", err)
	}
	return segment.BodyHas(body, x.subject(), x.mentioned), nil
}

// records lists what the job's commits to a dataset did.
func (x *run) records(ctx context.Context, d dataset.ID) (all []record, err error) {
	q := table.Query{Partition: checkpoint.Partition(x.job.Tenant, d), Prefix: records + string(x.job.ID) + "#"}
	for {
		page, err := x.Manifest.Table.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			var r record
			if err := json.Unmarshal(item.Body, &r); err != nil {
				return nil, fmt.Errorf("record %s: %w", item.Key.Sort, err)
			}
			all = append(all, r)
		}
		if q.Next = page.Next; q.Next == "" {
			return all, nil
		}
	}
}

// clean deletes what was made of the rows beyond their datasets: after the swaps, so
// that nothing is made of them anew.
func (x *run) clean(ctx context.Context) error {
	if x.Cleaned {
		return nil
	}
	all, err := x.inScope(ctx)
	if err != nil {
		return err
	}
	touched := map[dataset.Name]bool{}
	for _, d := range all {
		done, err := x.records(ctx, d.ID)
		if err != nil {
			return err
		}
		touched[d.Name] = len(done) > 0
	}
	if err := x.exports(ctx, touched); err != nil {
		return err
	}
	if x.Answers != nil {
		n, err := x.Answers.Clear(ctx, x.job.Tenant)
		if err != nil {
			return err
		}
		x.Deleted.Answers += n
	}
	if err := x.redact(ctx); err != nil {
		return err
	}
	x.Cleaned = true
	return x.save(ctx)
}

// redact forgets what was asked about the subject.
func (x *run) redact(ctx context.Context) error {
	if x.Hash == "" {
		return nil
	}
	n, err := x.Jobs.Redact(ctx, x.job.Tenant, x.mentioned)
	if x.Deleted.Requests += n; err != nil || x.Audit == nil {
		return err
	}
	n, err = x.Audit.Erase(ctx, x.job.Tenant, x.job.By, x.mentioned)
	x.Deleted.Requests += n
	return err
}

// exports deletes the files of exports of datasets that were touched, and of jobs that
// nobody remembers. An export that is being made finds its parts gone and begins again.
func (x *run) exports(ctx context.Context, touched map[dataset.Name]bool) error {
	folder := export.TenantFolder(x.job.Tenant)
	goes := map[job.ID]bool{}
	var failed error
	n, err := blob.Clear(ctx, x.Manifest.Blobs, folder, func(b blob.Info) bool {
		name, _, _ := strings.Cut(strings.TrimPrefix(b.Key, folder), "/")
		id := job.ID(name)
		if _, asked := goes[id]; !asked && failed == nil {
			j, err := x.Jobs.Get(ctx, x.job.Tenant, id)
			if err != nil && !fault.Is(err, fault.NotFound) {
				failed = err
			}
			goes[id] = err != nil || touched[j.Dataset]
		}
		return failed != nil || !goes[id]
	})
	x.Deleted.Exports += n
	if failed != nil {
		return failed
	}
	return err
}

// retried makes an error that another try may mend: what was there is not there because
// somebody else was at it.
func retried(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Unavailable, "changed_meanwhile", err)
	}
	return err
}
