package drop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/job"
)

// By is who wants the files loaded that were dropped.
const By = "drop"

// together is how many files of a dataset are loaded at a time.
const together = 20

// Collector makes files and jobs of what was dropped, and takes away what was loaded. What
// it does, it does once, wherever it is broken off and however many do it at a time: the
// file that a drop becomes, and the job that loads it, have names that follow from the drop.
type Collector struct {
	Folder  Folder
	Catalog dataset.Catalog
	Files   file.Store
	Jobs    job.Jobs
	Log     *slog.Logger
}

// Collect does what can be done now, and returns how many drops were taken away and how many
// are left because their jobs, or those before them, are under way. A drop that fails does
// not hold up those of other datasets.
func (c Collector) Collect(ctx context.Context) (settled, left int, err error) {
	all, err := c.Folder.List(ctx)
	if err != nil {
		return 0, 0, err
	}
	of := func(d Drop) string { name, _ := d.folder(); return string(d.Tenant) + "/" + string(name) }
	slices.SortStableFunc(all, func(a, b Drop) int {
		return cmp.Or(strings.Compare(of(a), of(b)), a.Modified.Compare(b.Modified), strings.Compare(a.Path, b.Path))
	})
	var errs []error
	for len(all) > 0 {
		end := slices.IndexFunc(all, func(d Drop) bool { return of(d) != of(all[0]) })
		if end < 0 {
			end = len(all)
		}
		s, l, err := c.dataset(ctx, all[:end])
		settled, left, errs, all = settled+s, left+l, append(errs, err), all[end:]
	}
	return settled, left, errors.Join(errs...)
}

// dataset goes through the drops of a dataset, in their order.
func (c Collector) dataset(ctx context.Context, drops []Drop) (settled, left int, err error) {
	for i, d := range drops {
		if left >= together || left > 0 && d.alone() {
			return settled, left + len(drops) - i, nil
		}
		ended, err := c.one(ctx, d)
		switch {
		case err != nil:
			return settled, left + len(drops) - i, fmt.Errorf("dropped file %q: %w", d.Path, err)
		case ended:
			settled++
		case d.alone():
			return settled, left + len(drops) - i, nil
		default:
			left++
		}
	}
	return settled, left, nil
}

// one takes a drop a step further and reports whether it is settled.
func (c Collector) one(ctx context.Context, d Drop) (ended bool, err error) {
	if !d.Tenant.Valid() {
		return true, c.refuse(ctx, d, "no workspace has such a name: drop it below the folder of one")
	}
	j, err := c.order(ctx, d)
	switch {
	case errors.Is(err, ErrGone):
		c.Log.InfoContext(ctx, "a dropped file is gone, or has changed", "tenant", d.Tenant, "bytes", d.Size)
		return true, nil
	case err != nil:
		return false, err
	case j.State == job.Done:
		return true, c.Folder.Done(ctx, d)
	case j.State.Ended():
		return true, c.refuse(ctx, d, because(j))
	}
	return false, nil
}

func (c Collector) refuse(ctx context.Context, d Drop, why string) error {
	c.Log.WarnContext(ctx, "a dropped file is refused", "tenant", d.Tenant, "bytes", d.Size)
	return c.Folder.Refuse(ctx, d, why+"\n")
}

func because(j job.Job) string {
	why := fmt.Sprintf("%s: job %s", j.State, j.ID)
	if f := j.Error; f != nil {
		why += fmt.Sprintf("\n%s: %s\n%s", f.Code, f.Message, f.Hint)
	}
	return strings.TrimSpace(why)
}

// order returns the job that loads a drop, which it submits unless somebody has. What cannot
// be loaded becomes a job that fails, where everybody looks.
func (c Collector) order(ctx context.Context, d Drop) (job.Job, error) {
	f, err := c.take(ctx, d)
	key := By + " " + string(d.id())
	var spec job.Spec
	switch {
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound), fault.Is(err, fault.TooLarge):
		spec, err = file.Refused(d.known(), By, err)
		key += " refused"
	case err == nil:
		spec, err = f.Job(By)
	}
	if err != nil {
		return job.Job{}, err
	}
	spec.Key = key
	return c.Jobs.Submit(ctx, d.Tenant, spec)
}

// known is the dataset that a drop names, if that can be one.
func (d Drop) known() dataset.Name {
	name, _, _ := d.target()
	return name
}

// take makes a file of a drop.
func (c Collector) take(ctx context.Context, d Drop) (file.File, error) {
	name, spec, err := d.target()
	if err != nil {
		return file.File{}, err
	}
	if d.Size > blob.MaxSize {
		return file.File{}, fault.New(fault.TooLarge, "file_too_large", "a dropped file has at most %d bytes", int64(blob.MaxSize)).WithHint("drop it in parts")
	}
	into, err := c.Catalog.Get(ctx, d.Tenant, name)
	if err != nil {
		return file.File{}, err
	}
	return c.Files.Receive(ctx, d.Tenant, into, d.id(), spec, By, func(key string) error { return c.Folder.Copy(ctx, d, key) })
}
