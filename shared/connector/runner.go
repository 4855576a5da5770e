package connector

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Sync is the kind of jobs that sync connectors.
const Sync job.Kind = "sync"

// Order is what a sync is told to do.
type Order struct {
	Connector Name `json:"connector"`
	ID        ID   `json:"id"`
	Full      bool `json:"full,omitempty"`
}

// tries of a sync without a new checkpoint take five to ten minutes: as long as another
// system is away that is restarted, or changes over to its standby.
const tries = 10

// Submission is the job that syncs a connector. Full reads everything anew.
func (c Connector) Submission(by string, full bool) (job.Spec, error) {
	text, err := json.Marshal(Order{Connector: c.Name, ID: c.ID, Full: full})
	return job.Spec{Kind: Sync, By: by, Request: text, Tries: tries}, err
}

// Runner syncs.
type Runner struct {
	Store   Store
	Catalog dataset.Catalog
	Loader  load.Loader
	Drivers Drivers
	Rows    int // of a load; zero: what the source thinks good
}

// state is the checkpoint of a sync. How far a table was read is not in it, but with the
// table's rows.
type state struct {
	Done   map[string]bool  `json:"done,omitempty"`   // tables that are up to date
	Counts map[string]Count `json:"counts,omitempty"` // by table
}

// Count is what was loaded of a table.
type Count struct {
	Rows     int64 `json:"rows"`
	Replaced int64 `json:"replaced,omitempty"`
	Bad      int64 `json:"quarantined,omitempty"`
	Bytes    int64 `json:"bytes"`
}

// Result is what a sync did, by table.
type Result struct {
	Tables map[string]Count `json:"tables"`
}

// run is one run of a sync.
type run struct {
	Runner
	state
	job       job.Job
	at        job.Checkpointer
	connector Connector
	source    Source
}

// Run implements job.Runner.
func (r Runner) Run(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
	x := &run{Runner: r, job: j, at: at}
	var order Order
	if err := json.Unmarshal(j.Request, &order); err != nil {
		return nil, fmt.Errorf("request of job %s: %w", j.ID, err)
	}
	if len(j.Checkpoint) > 0 {
		if err := json.Unmarshal(j.Checkpoint, &x.state); err != nil {
			return nil, fmt.Errorf("checkpoint of job %s: %w", j.ID, err)
		}
	}
	if x.Done == nil {
		x.Done, x.Counts = map[string]bool{}, map[string]Count{}
	}
	if err := x.open(ctx, order); err != nil {
		return nil, err
	}
	defer x.source.Close()
	if err := x.all(ctx); err != nil {
		return nil, err
	}
	return Result{Tables: x.Counts}, nil
}

// open connects, and begins another epoch where everything is to be read anew.
func (x *run) open(ctx context.Context, order Order) (err error) {
	if x.connector, err = x.Store.Get(ctx, x.job.Tenant, order.Connector); err != nil {
		return err
	}
	if x.connector.ID != order.ID {
		return fault.New(fault.NotFound, "connector_gone", "the connector %q was deleted, and another made", order.Connector)
	}
	if err := x.Store.began(ctx, x.connector, x.job); err != nil {
		return err
	}
	if epoch := epochOf(x.job.ID); order.Full && x.connector.Epoch != epoch {
		if x.connector, err = x.Store.begin(ctx, x.job.Tenant, order.Connector, epoch); err != nil {
			return err
		}
	}
	x.source, err = x.Store.Open(ctx, x.job.Tenant, x.connector, x.Drivers)
	return err
}

// epochOf names the epoch that a job begins.
func epochOf(id job.ID) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// Open connects to a connector's source.
func (s Store) Open(ctx context.Context, t tenant.ID, c Connector, drivers Drivers) (Source, error) {
	dsn, err := s.DSN(ctx, t, c)
	if err != nil {
		return nil, err
	}
	return drivers.Open(ctx, c.Kind, c.config(dsn))
}

// all brings every table up to date. One that cannot be does not hold up the others.
func (x *run) all(ctx context.Context) error {
	var failed error
	var followed []Table
	for _, t := range x.connector.Tables {
		if t.Effective() == Changes {
			followed = append(followed, t)
			continue
		}
		if err := x.one(ctx, t); hopeless(err) {
			x.at.Logf("table %s: %s", t.Table, err)
			failed = errors.Join(failed, err)
		} else if err != nil {
			return err
		}
	}
	if len(followed) > 0 {
		if err := x.follow(ctx, followed); err != nil {
			return err
		}
	}
	return failed
}

// hopeless reports whether to try again is of no use.
func hopeless(err error) bool {
	return fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.TooLarge)
}

// one brings a table up to date, unless an earlier run of the job did.
func (x *run) one(ctx context.Context, t Table) error {
	if x.Done[t.Table] {
		return nil
	}
	d, err := x.dataset(ctx, t)
	if err != nil {
		return err
	}
	read := x.pages
	if t.Effective() == Full {
		read = x.whole
	}
	if err := read(ctx, d, t); err != nil {
		return err
	}
	return x.done(ctx, t)
}

// rows is how many a batch has, about; zero: what the source thinks good.
func (x *run) rows() int { return cmp.Or(x.Rows, x.connector.BatchRows) }

// dataset returns what mirrors a table, and makes it.
func (x *run) dataset(ctx context.Context, t Table) (dataset.Dataset, error) {
	d, err := x.Catalog.Get(ctx, x.job.Tenant, t.Dataset)
	if !fault.Is(err, fault.NotFound) {
		return d, err
	}
	d, err = x.Catalog.Create(ctx, x.job.Tenant, dataset.Spec{Name: t.Dataset, Kind: dataset.Table, Settings: dataset.Settings{TimeColumn: t.Time}})
	if fault.Is(err, fault.Conflict) { // somebody else has
		return x.Catalog.Get(ctx, x.job.Tenant, t.Dataset)
	}
	return d, err
}

// done notes that tables are up to date.
func (x *run) done(ctx context.Context, tables ...Table) error {
	for _, t := range tables {
		x.Done[t.Table] = true
		x.count(t, Count{})
	}
	return x.save(ctx)
}

// count adds to what was loaded of a table.
func (x *run) count(t Table, more Count) {
	c := x.Counts[t.Table]
	c.Rows += more.Rows
	c.Replaced += more.Replaced
	c.Bad += more.Bad
	c.Bytes += more.Bytes
	x.Counts[t.Table] = c
}

// save stores the checkpoint. Progress counts tables.
func (x *run) save(ctx context.Context) error {
	p := job.Progress{Done: int64(len(x.Done)), Total: int64(len(x.connector.Tables))}
	for _, c := range x.Counts {
		p.Rows += c.Rows
		p.Bytes += c.Bytes
	}
	return x.at.Save(ctx, x.state, p)
}
