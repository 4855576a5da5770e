// Package connectors holds the endpoints by which tables of other systems are brought in.
// A connection string goes in and never comes out.
package connectors

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/secret"
)

// askTime bounds what a request asks of a source.
const askTime = 20 * time.Second

// Deps is what the endpoints need.
type Deps struct {
	Store   connector.Store
	Drivers connector.Drivers
	Jobs    job.Jobs
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.CreateConnector, d.create)
	api.Handle(s, route.ListConnectors, d.list)
	api.Handle(s, route.GetConnector, d.get)
	api.Handle(s, route.UpdateConnector, d.update)
	api.Handle(s, route.DeleteConnector, d.delete)
	api.Handle(s, route.TestConnector, d.test)
	api.Handle(s, route.ListSourceTables, d.tables)
	api.Handle(s, route.DiscoverTables, d.discover)
	api.Handle(s, route.SyncConnector, d.sync)
}

// spec is what a new connector is to be.
type spec struct {
	Name      connector.Name    `json:"name" example:"crm"`
	Kind      connector.Kind    `json:"kind" enum:"files,http,mongodb,mysql,postgres,sqlserver" example:"postgres"`
	DSN       string            `json:"dsn" maxLength:"4096" writeOnly:"true" example:"postgres://reader:password@db.example.com:5432/shop?sslmode=verify-full" doc:"kept as a secret, and never shown"`
	Settings  json.RawMessage   `json:"settings,omitempty" doc:"an object that kinds beside databases have; it is shown, so nothing secret goes into it"`
	Tables    []connector.Table `json:"tables" minItems:"1" maxItems:"200"`
	BatchRows int               `json:"batch_rows,omitempty" minimum:"100" maximum:"500000" doc:"rows that are read and loaded at a time, about; fewer spare a small source; default: as many as its kind thinks good"`
}

// shown is a connector as it is shown.
type shown struct {
	Name      connector.Name    `json:"name"`
	Kind      connector.Kind    `json:"kind"`
	Settings  json.RawMessage   `json:"settings,omitempty"`
	Tables    []connector.Table `json:"tables"`
	BatchRows int               `json:"batch_rows,omitempty"`
	Created   time.Time         `json:"created"`
	Updated   time.Time         `json:"updated"`
	Latest    *latest           `json:"last_sync,omitempty" doc:"absent: none was begun in the last 30 days"`
}

func show(c connector.Connector) shown {
	return shown{Name: c.Name, Kind: c.Kind, Settings: c.Settings, Tables: c.Tables, BatchRows: c.BatchRows, Created: c.Created, Updated: c.Updated}
}

// named is a request that names a connector.
type named struct {
	Name connector.Name `path:"name" maxLength:"64"`
}

func (d Deps) create(ctx context.Context, caller access.Principal, in *struct{ Body spec }) (*struct{ Body shown }, error) {
	b := in.Body
	spec := connector.Spec{Name: b.Name, Kind: b.Kind, Settings: b.Settings, Tables: b.Tables, BatchRows: b.BatchRows, DSN: secret.New([]byte(b.DSN))}
	if err := d.Drivers.Check(spec.Kind, connector.Config{DSN: spec.DSN, Settings: spec.Settings, Tables: spec.Tables}); err != nil {
		return nil, err
	}
	c, err := d.Store.Create(ctx, caller.Tenant, spec)
	return &struct{ Body shown }{show(c)}, err
}

type listed struct {
	Body struct {
		Connectors []shown `json:"connectors"`
	}
}

func (d Deps) list(ctx context.Context, caller access.Principal, _ *struct{}) (*listed, error) {
	all, err := d.Store.List(ctx, caller.Tenant)
	out := &listed{}
	out.Body.Connectors = []shown{}
	for _, c := range all {
		out.Body.Connectors = append(out.Body.Connectors, show(c))
	}
	if err != nil {
		return nil, err
	}
	return out, d.tell(ctx, caller, all, out.Body.Connectors)
}

func (d Deps) get(ctx context.Context, caller access.Principal, in *named) (*struct{ Body shown }, error) {
	c, err := d.Store.Get(ctx, caller.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	out := []shown{show(c)}
	err = d.tell(ctx, caller, []connector.Connector{c}, out)
	return &struct{ Body shown }{out[0]}, err
}

// change is what of a connector becomes another.
type change struct {
	DSN       string            `json:"dsn,omitempty" maxLength:"4096" writeOnly:"true" doc:"absent: it stays"`
	Settings  json.RawMessage   `json:"settings,omitempty" doc:"all of them; absent: they stay"`
	Tables    []connector.Table `json:"tables,omitempty" maxItems:"200" doc:"all of them; absent: they stay. A table that is read in another way is read from its beginning"`
	BatchRows int               `json:"batch_rows,omitempty" minimum:"100" maximum:"500000" doc:"absent: they stay"`
}

func (d Deps) update(ctx context.Context, caller access.Principal, in *struct {
	Name connector.Name `path:"name" maxLength:"64"`
	Body change
}) (*struct{ Body shown }, error) {
	change := connector.Change{Settings: in.Body.Settings, Tables: in.Body.Tables, BatchRows: in.Body.BatchRows, DSN: secret.New([]byte(in.Body.DSN))}
	if err := d.Store.Check(ctx, caller.Tenant, in.Name, change, d.Drivers); err != nil {
		return nil, err
	}
	c, err := d.Store.Update(ctx, caller.Tenant, in.Name, change)
	return &struct{ Body shown }{show(c)}, err
}

// delete lets go of what keeps changes at the source, too, or the source would keep them
// for ever.
func (d Deps) delete(ctx context.Context, caller access.Principal, in *struct {
	Name connector.Name `path:"name" maxLength:"64"`
	Keep bool           `query:"keep_slot" doc:"delete it even if the source cannot be reached; what keeps changes there has to be dropped by hand"`
}) (*struct{}, error) {
	c, err := d.Store.Get(ctx, caller.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	if c.Subscribes() && !in.Keep {
		err := d.with(ctx, caller, c, func(ctx context.Context, s connector.Source) error { return c.Release(ctx, s) })
		if err != nil {
			return nil, fault.New(fault.KindOf(err), "not_released", "what keeps changes at the source could not be dropped").
				WithHint("POST …/test says why; ?keep_slot=true deletes the connector all the same: then drop the slot and the publication whose names begin with %s", c.Prefix()).Because(err)
		}
	}
	return nil, d.Store.Delete(ctx, caller.Tenant, c)
}

// with connects to the source for a while.
func (d Deps) with(ctx context.Context, caller access.Principal, c connector.Connector, do func(context.Context, connector.Source) error) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	source, err := d.Store.Open(ctx, caller.Tenant, c, d.Drivers)
	if err != nil {
		return err
	}
	defer source.Close()
	return do(ctx, source)
}

type tested struct {
	Body struct {
		OK bool `json:"ok" doc:"always true: what is wrong is an error"`
	}
}

func (d Deps) test(ctx context.Context, caller access.Principal, in *named) (*tested, error) {
	c, err := d.Store.Get(ctx, caller.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	out := &tested{}
	out.Body.OK = true
	return out, d.with(ctx, caller, c, func(ctx context.Context, s connector.Source) error { return s.Check(ctx) })
}

type discovered struct {
	Body struct {
		Tables []connector.Relation `json:"tables"`
	}
}

func (d Deps) tables(ctx context.Context, caller access.Principal, in *named) (*discovered, error) {
	c, err := d.Store.Get(ctx, caller.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	out := &discovered{}
	err = d.with(ctx, caller, c, func(ctx context.Context, s connector.Source) error {
		found, err := s.Discover(ctx)
		out.Body.Tables = append([]connector.Relation{}, found...)
		return err
	})
	return out, err
}

// candidate is a source that is no connector yet.
type candidate struct {
	Kind     connector.Kind  `json:"kind" example:"postgres" doc:"as of a connector"`
	DSN      string          `json:"dsn" maxLength:"4096" writeOnly:"true" example:"postgres://reader:password@db.example.com:5432/shop?sslmode=verify-full" doc:"it is not kept"`
	Settings json.RawMessage `json:"settings,omitempty"`
}

func (d Deps) discover(ctx context.Context, _ access.Principal, in *struct{ Body candidate }) (*discovered, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	config := connector.Config{DSN: secret.New([]byte(in.Body.DSN)), Settings: in.Body.Settings}
	if err := d.Drivers.Check(in.Body.Kind, config); err != nil {
		return nil, err
	}
	source, err := d.Drivers.Open(ctx, in.Body.Kind, config)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	if err := source.Check(ctx); err != nil {
		return nil, err
	}
	out := &discovered{}
	found, err := source.Discover(ctx)
	out.Body.Tables = append([]connector.Relation{}, found...)
	return out, err
}

// order is how to sync.
type order struct {
	Full bool `json:"full,omitempty" doc:"read everything anew, in the stead of what is there"`
}

func (d Deps) sync(ctx context.Context, caller access.Principal, in *struct {
	Name connector.Name `path:"name" maxLength:"64"`
	Body *order
}) (*api.Ordered, error) {
	c, err := d.Store.Get(ctx, caller.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	submission, err := c.Submission(caller.ID, in.Body != nil && in.Body.Full)
	if err != nil {
		return nil, err
	}
	j, err := d.Jobs.Submit(ctx, caller.Tenant, submission)
	return api.OrderedJob(j.ID), err
}
