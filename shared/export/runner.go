package export

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Runner does exports.
type Runner struct {
	Source snapshot.Source
	Seal   func(context.Context, tenant.ID, dataset.Name) error // what is in memory, first; nil where nothing is
	Engine engine.Reader
	Blobs  blob.Store
	Folder string // of this machine, for the file in the making

	ChunkRows int64 // read at a time; zero: 50,000
	PartBytes int   // of a part; zero: 8 MiB
}

// state is the checkpoint of an export.
type state struct {
	Pin   int   `json:"pin,omitempty"`   // the run that pinned; zero: nothing is pinned
	Pins  int   `json:"pins,omitempty"`  // so far
	Place place `json:"place,omitzero"`  // of the next row to read
	Read  bool  `json:"read,omitempty"`  // all rows are in parts
	Parts []int `json:"parts,omitempty"` // the run that wrote each; a part that no checkpoint names does not count
	Rows  int64 `json:"rows,omitempty"`  // in the parts
	Wide  []int `json:"wide,omitempty"`  // columns of ints of which some pass 64 bits
	Bytes int64 `json:"bytes,omitempty"` // of the file; zero: there is none yet
}

// place is a row of a pin's segments.
type place struct {
	Segment int   `json:"segment,omitempty"`
	Row     int64 `json:"row,omitempty"`
}

// maxPins is how often an export begins again because what it read was deleted.
const maxPins = 3

// Run implements job.Runner.
func (r Runner) Run(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
	x := &export{Runner: r, job: j, at: at}
	if err := json.Unmarshal(j.Request, &x.order); err != nil {
		return nil, fmt.Errorf("request of job %s: %w", j.ID, err)
	}
	if len(j.Checkpoint) > 0 {
		if err := json.Unmarshal(j.Checkpoint, &x.state); err != nil {
			return nil, fmt.Errorf("checkpoint of job %s: %w", j.ID, err)
		}
	}
	for {
		err := x.proceed(ctx)
		if err == nil {
			return Result{Key: x.file(), Rows: x.Rows, Bytes: x.Bytes, Format: x.order.Format}, nil
		}
		if !fault.Is(err, fault.NotFound) && !segment.IsGone(err) || x.Pin == 0 || x.Bytes > 0 || x.Pins >= maxPins {
			return nil, err
		}
		at.Logf("what was pinned is gone; beginning again: %v", err)
		x.state = state{Pins: x.Pins}
	}
}

// export is one run of a job.
type export struct {
	Runner
	state
	job   job.Job
	order order
	at    job.Checkpointer
	pin   pin
	total int64 // rows of the pin

	discreet bool // who ordered it does not see all rows, and is not told how many there are
}

func (x *export) proceed(ctx context.Context) error {
	if x.Bytes > 0 {
		return x.clean(ctx)
	}
	pinned, named, err := pinnedBy(x.job)
	if err != nil {
		return err
	}
	x.discreet = len(pinned.Restriction.Filters) > 0
	if err := x.pinned(ctx); err != nil {
		return err
	}
	q, err := x.order.bind(pinned.Restriction.View(x.pin.Dataset.Kind, x.pin.Schema), named)
	if err != nil {
		return err
	}
	if !x.Read {
		if err := x.gather(ctx, q); err != nil {
			return err
		}
	}
	if err := x.assemble(ctx, q.columns()); err != nil {
		return err
	}
	return x.clean(ctx)
}

// pinned loads the pin, or makes one.
func (x *export) pinned(ctx context.Context) (err error) {
	defer func() { x.total = x.pin.rows() }()
	if x.Pin != 0 {
		x.pin, err = loadPin(ctx, x.Blobs, x.pinKey())
		return err
	}
	if x.Seal != nil {
		if err := x.Seal(ctx, x.job.Tenant, x.job.Dataset); err != nil {
			return err
		}
	}
	over, err := x.Source.Open(ctx, x.job.Tenant, x.job.Dataset, nil)
	if err != nil {
		return err
	}
	defer over.Release()
	x.pin = pinOf(over)
	x.Pin, x.Pins = x.job.Runs, x.Pins+1
	if err := x.pin.put(ctx, x.Blobs, x.pinKey()); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	if !x.discreet {
		x.at.Logf("version %d: %d rows in %d segments", x.pin.Version, x.pin.rows(), len(x.pin.Segments))
	}
	return x.save(ctx, 0)
}

// folder holds what is made of one pin.
func (x *export) folder() string {
	return fmt.Sprintf("%s%s/%d-%d/", TenantFolder(x.job.Tenant), x.job.ID, x.Pin, x.Pins)
}

func (x *export) pinKey() string { return x.folder() + "pin.json" }

func (x *export) partKey(n int) string {
	return fmt.Sprintf("%sparts/%06d-%d", x.folder(), n, x.Parts[n])
}

func (x *export) file() string {
	return fmt.Sprintf("%sfile/%s.%s", x.folder(), x.job.Dataset, x.order.Format)
}

// save stores the checkpoint. Rows are read, and then written.
func (x *export) save(ctx context.Context, read int64) error {
	return x.at.Save(ctx, x.state, x.progress(read))
}

func (x *export) progress(done int64) job.Progress {
	p := job.Progress{Done: done, Total: 2 * x.total, Rows: x.Rows, Bytes: x.Bytes}
	if x.discreet {
		const parts = 100
		p.Done, p.Total = p.Done*parts/max(1, p.Total), parts
	}
	return p
}

// clean deletes what the file was made of. What it leaves is swept with the file.
func (x *export) clean(ctx context.Context) error {
	_, err := blob.Clear(ctx, x.Blobs, x.folder()+"parts/", nil)
	return err
}

// answer has each row of a program's answer handed on.
func (x *export) answer(ctx context.Context, program query.Program, each engine.Each) error {
	if plan, plain := program.Plan(); plain {
		return x.Engine.Stream(ctx, plan, x.pin.snapshot(), each)
	}
	result, err := engine.Answer(ctx, x.Engine, program, x.pin.snapshot())
	if err != nil {
		return err
	}
	for _, row := range result.Rows {
		if err := each(row); err != nil {
			return err
		}
	}
	return nil
}
