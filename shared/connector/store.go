package connector

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// SecretFolder is what the names of connection strings begin with, among their tenant's
// secrets.
const SecretFolder = "connector/"

// Connector is a source and what is read of it. Its connection string is a secret, and in
// no table.
type Connector struct {
	ID        ID              `json:"id"`
	Name      Name            `json:"name"`
	Kind      Kind            `json:"kind"`
	Settings  json.RawMessage `json:"settings,omitempty"` // of the kind's own, and no secret
	Tables    []Table         `json:"tables"`
	BatchRows int             `json:"batch_rows,omitempty"` // that are read and loaded at a time, about; zero: what the source thinks good
	Created   time.Time       `json:"created"`
	Updated   time.Time       `json:"updated"`

	// Epoch counts how often everything was to be read anew.
	Epoch string `json:"epoch,omitempty"`
}

// Subscription names what keeps the changes for a connector. In every epoch it is another.
func (c Connector) Subscription() string { return c.Prefix() + c.Epoch }

// Prefix begins the names of all subscriptions of a connector.
func (c Connector) Prefix() string { return "tarn_" + string(c.ID) + "_" }

// Subscribes reports whether something at the source keeps changes for the connector.
func (c Connector) Subscribes() bool {
	return slices.ContainsFunc(c.Tables, func(t Table) bool { return t.Effective() == Changes })
}

// Release removes what keeps changes at the source.
func (c Connector) Release(ctx context.Context, s Source) error {
	if feed, ok := s.(Feed); ok {
		return feed.Unsubscribe(ctx, c.Prefix(), "")
	}
	return nil
}

// secret is the name of the connection string. It has the connector's id in it: of two that
// are made at a time under one name, neither gets the other's.
func (c Connector) secret() secret.Name {
	return secret.Name(SecretFolder + string(c.Name) + "/" + string(c.ID))
}

// config is what a Driver is told of the connector.
func (c Connector) config(dsn secret.Value) Config {
	return Config{DSN: dsn, Settings: c.Settings, Tables: c.Tables}
}

// Spec is what a new connector is to be.
type Spec struct {
	Name      Name
	Kind      Kind
	Settings  json.RawMessage
	Tables    []Table
	BatchRows int
	DSN       secret.Value
}

// Change is what of a connector becomes another. What is nil stays.
type Change struct {
	Settings  json.RawMessage
	Tables    []Table
	BatchRows int
	DSN       secret.Value
}

// Store keeps connectors.
type Store struct {
	Table   table.Table
	Secrets secret.Store
	Now     func() time.Time
}

func partition(t tenant.ID) string { return "connectors#" + string(t) }

func key(t tenant.ID, n Name) table.Key { return table.Key{Partition: partition(t), Sort: string(n)} }

// Create adds a connector. A taken name, or a dataset that another connector fills, is
// fault.Conflict.
func (s Store) Create(ctx context.Context, t tenant.ID, spec Spec) (Connector, error) {
	if err := dataset.Name(spec.Name).Check(); err != nil {
		return Connector{}, fault.New(fault.Invalid, "bad_connector_name", "%.80q cannot name a connector", string(spec.Name)).
			WithHint("start with a letter; then a-z, 0-9 and _; at most 64 characters")
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	c := Connector{ID: ID(strings.ToLower(rand.Text())[:12]), Name: spec.Name, Kind: spec.Kind, Settings: spec.Settings, Tables: spec.Tables, BatchRows: spec.BatchRows, Created: now, Updated: now, Epoch: "0"}
	if err := s.check(ctx, t, c); err != nil {
		return Connector{}, err
	}
	if err := s.Secrets.Put(ctx, t, c.secret(), spec.DSN); err != nil {
		return Connector{}, err
	}
	err := s.Table.Commit(ctx, table.Put(c.item(t, "1")).If(table.Absent))
	if fault.Is(err, fault.Conflict) {
		_ = s.Secrets.Delete(ctx, t, c.secret()) // nobody's
		return Connector{}, fault.New(fault.Conflict, "connector_exists", "there is a connector %q already", c.Name).WithHint("change it, or choose another name")
	}
	return c, err
}

// check returns an error unless a connector can be beside the others.
func (s Store) check(ctx context.Context, t tenant.ID, c Connector) error {
	if err := CheckTables(c.Tables); err != nil {
		return err
	}
	all, err := s.List(ctx, t)
	if err != nil {
		return err
	}
	if len(all) >= MaxConnectors && c.Updated.Equal(c.Created) {
		return fault.New(fault.Conflict, "too_many_connectors", "there are %d connectors, and may not be more", len(all)).WithHint("delete one that nobody needs")
	}
	filled := map[dataset.Name]Name{}
	for _, other := range all {
		for _, one := range other.Tables {
			if other.Name != c.Name {
				filled[one.Dataset] = other.Name
			}
		}
	}
	for _, one := range c.Tables {
		if by, ok := filled[one.Dataset]; ok {
			return fault.New(fault.Conflict, "dataset_filled", "connector %q fills the dataset %q", by, one.Dataset).WithHint("a dataset mirrors one table: name another")
		}
	}
	return nil
}

func (c Connector) item(t tenant.ID, edition string) table.Item {
	body, err := json.Marshal(c)
	if err != nil {
		panic(err) // plain data
	}
	return table.Item{Key: key(t, c.Name), Body: body, Attributes: map[string]string{"edition": edition}}
}

// Get returns a connector, or fault.NotFound.
func (s Store) Get(ctx context.Context, t tenant.ID, n Name) (Connector, error) {
	c, _, err := s.get(ctx, t, n)
	return c, err
}

func (s Store) get(ctx context.Context, t tenant.ID, n Name) (Connector, string, error) {
	missing := fault.New(fault.NotFound, "connector_not_found", "there is no connector %.80q", string(n)).WithHint("GET /v1/connectors lists those there are")
	if dataset.Name(n).Check() != nil {
		return Connector{}, "", missing
	}
	item, err := s.Table.Get(ctx, key(t, n))
	if fault.Is(err, fault.NotFound) {
		return Connector{}, "", missing
	}
	if err != nil {
		return Connector{}, "", err
	}
	c, err := read(item)
	return c, item.Attributes["edition"], err
}

func read(item table.Item) (c Connector, err error) {
	if err := json.Unmarshal(item.Body, &c); err != nil {
		return c, fmt.Errorf("connector %s: %w", item.Key.Sort, err)
	}
	return c, nil
}

// List returns a tenant's connectors by name.
func (s Store) List(ctx context.Context, t tenant.ID) (all []Connector, err error) {
	for next := ""; ; {
		page, err := s.Table.List(ctx, table.Query{Partition: partition(t), Next: next})
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			c, err := read(item)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
		if next = page.Next; next == "" {
			return all, nil
		}
	}
}

// DSN returns a connector's connection string.
func (s Store) DSN(ctx context.Context, t tenant.ID, c Connector) (secret.Value, error) {
	found, err := s.Secrets.Get(ctx, t, c.secret())
	if fault.Is(err, fault.NotFound) {
		return secret.Value{}, fault.New(fault.Invalid, "no_dsn", "the connection string of connector %q is gone", c.Name).WithHint("give it again: PATCH /v1/connectors/%s", c.Name)
	}
	return found.Current, err
}

// Update changes a connector. Who else changed it meanwhile is fault.Conflict.
func (s Store) Update(ctx context.Context, t tenant.ID, n Name, change Change) (Connector, error) {
	return s.change(ctx, t, n, func(c *Connector) error {
		if change.Settings != nil {
			c.Settings = change.Settings
		}
		c.BatchRows = cmp.Or(change.BatchRows, c.BatchRows)
		if change.Tables != nil {
			c.Tables = change.Tables
			if err := s.check(ctx, t, *c); err != nil {
				return err
			}
		}
		if len(change.DSN.Reveal()) == 0 {
			return nil
		}
		return s.Secrets.Put(ctx, t, c.secret(), change.DSN)
	})
}

// Check returns fault.Invalid unless a connector's kind lets it become so.
func (s Store) Check(ctx context.Context, t tenant.ID, n Name, change Change, drivers Drivers) error {
	c, err := s.Get(ctx, t, n)
	if err != nil {
		return err
	}
	dsn := change.DSN
	if len(dsn.Reveal()) == 0 {
		if dsn, err = s.DSN(ctx, t, c); err != nil {
			return err
		}
	}
	config := c.config(dsn)
	if change.Settings != nil {
		config.Settings = change.Settings
	}
	if change.Tables != nil {
		config.Tables = change.Tables
	}
	return drivers.Check(c.Kind, config)
}

// begin makes an epoch the connector's.
func (s Store) begin(ctx context.Context, t tenant.ID, n Name, epoch string) (Connector, error) {
	return s.change(ctx, t, n, func(c *Connector) error { c.Epoch = epoch; return nil })
}

func (s Store) change(ctx context.Context, t tenant.ID, n Name, do func(*Connector) error) (Connector, error) {
	c, edition, err := s.get(ctx, t, n)
	if err != nil {
		return c, err
	}
	c.Updated = later(s.Now().UTC().Truncate(time.Microsecond), c.Created)
	if err := do(&c); err != nil {
		return c, err
	}
	err = s.Table.Commit(ctx, table.Put(c.item(t, rand.Text())).If(table.Equal("edition", edition)))
	if fault.Is(err, fault.Conflict) {
		return c, fault.New(fault.Conflict, "connector_changed", "the connector %q was changed meanwhile", n).WithHint("read it, and try again")
	}
	return c, err
}

// later returns a time that is after another.
func later(now, than time.Time) time.Time {
	if now.After(than) {
		return now
	}
	return than.Add(time.Microsecond)
}

// Delete removes a connector and its connection string. What it has loaded stays.
func (s Store) Delete(ctx context.Context, t tenant.ID, c Connector) error {
	if err := s.Table.Commit(ctx, table.Delete(key(t, c.Name)), table.Delete(latestKey(t, c.ID))); err != nil {
		return err
	}
	return s.Secrets.Delete(ctx, t, c.secret())
}
