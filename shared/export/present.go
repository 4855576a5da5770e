package export

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/tenant"
)

// keepURL is how long a URL is good for; asking for the job gives a new one.
const keepURL = time.Hour

// View is what an export's owner sees of its result.
type View struct {
	URL         string    `json:"url,omitempty" doc:"of the file, for whoever has it; absent once the file is gone"`
	URLExpires  time.Time `json:"url_expires,omitzero" doc:"ask for the job again for a new URL"`
	FileExpires time.Time `json:"file_expires"`
	Rows        int64     `json:"rows" doc:"in the file, exactly"`
	Bytes       int64     `json:"bytes"`
	Format      Format    `json:"format"`
}

// Files are the files of exports.
type Files struct {
	Blobs blob.Store
	Now   func() time.Time
}

// View shows the result of an export that is done, with a fresh URL.
func (f Files) View(ctx context.Context, j job.Job) (any, error) {
	var r Result
	if err := json.Unmarshal(j.Result, &r); err != nil {
		return nil, fmt.Errorf("result of job %s: %w", j.ID, err)
	}
	now := f.Now()
	v := View{Rows: r.Rows, Bytes: r.Bytes, Format: r.Format, FileExpires: j.Ended.Add(KeepFile)}
	left := v.FileExpires.Sub(now)
	if left <= 0 {
		return v, nil
	}
	var err error
	v.URLExpires = now.Add(min(left, keepURL)).UTC().Truncate(time.Second)
	v.URL, err = f.Blobs.PresignGet(ctx, r.Key, min(left, keepURL))
	return v, err
}

// Sweep deletes what exports of a tenant have left for longer than their files are
// kept, and returns how many files that were.
func (f Files) Sweep(ctx context.Context, t tenant.ID) (int, error) {
	before := f.Now().Add(-KeepFile)
	return blob.Clear(ctx, f.Blobs, TenantFolder(t), func(b blob.Info) bool { return !b.Modified.Before(before) })
}
