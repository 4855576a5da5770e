// Package httpjson reads HTTP APIs that answer in JSON: a table is what a path lists, page
// by page, and a row is an object of it. What is read of other places than the API's own,
// by a redirect or by a link to a next page, is refused: the credential goes nowhere else.
package httpjson

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/outbound"
)

// Kind is the kind of connectors that read HTTP APIs.
const Kind connector.Kind = "http"

// Bounds of one request.
const (
	askTime   = 60 * time.Second
	maxAnswer = 64 << 20 // bytes, unpacked
)

// Driver reaches HTTP APIs.
type Driver struct {
	Client *http.Client // as package outbound makes it
	Now    func() time.Time
	Sleep  func(context.Context, time.Duration) error
}

// New returns a Driver that reaches what the options allow.
func New(o outbound.Options) Driver {
	o.Timeout, o.MaxBytes = askTime, maxAnswer
	return Driver{Client: outbound.Client(o), Now: time.Now, Sleep: sleep}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Check implements connector.Driver.
func (Driver) Check(c connector.Config) error {
	_, _, err := read(c)
	return err
}

// Open implements connector.Driver. It asks nobody yet.
func (d Driver) Open(_ context.Context, c connector.Config) (connector.Source, error) {
	a, s, err := read(c)
	if err != nil {
		return nil, err
	}
	return &Source{api: newClient(d, a, s), address: a, settings: s, tables: known(c, s)}, nil
}

// known returns the tables that are told of: before there is a connector, those that
// settings name.
func known(c connector.Config, s settings) []connector.Table {
	if len(c.Tables) > 0 {
		return c.Tables
	}
	var all []connector.Table
	for _, name := range slices.Sorted(maps.Keys(s.Tables)) {
		all = append(all, connector.Table{Table: name})
	}
	return all
}

// read reads what a connector is told.
func read(c connector.Config) (address, settings, error) {
	a, err := parseDSN(string(c.DSN.Reveal()))
	if err != nil {
		return a, settings{}, err
	}
	s, err := parseSettings(c.Settings)
	if err != nil {
		return a, s, err
	}
	if err := cmp.Or(s.Auth.check(a), s.checkTables(c.Tables)); err != nil {
		return a, s, err
	}
	for _, t := range known(c, s) {
		if err := checkTable(a, t); err != nil {
			return a, s, err
		}
	}
	return a, s, nil
}

// checkTable returns fault.Invalid unless a table can be read.
func checkTable(a address, t connector.Table) error {
	if _, err := a.table(t.Table); err != nil {
		return err
	}
	if t.Effective() == connector.Incremental && len(t.Key) == 0 {
		return fault.New(fault.Invalid, "key_needed", "table %.80q needs a key to be read incrementally", t.Table).
			WithHint(`an API's rows are read again, so what tells them apart must be known: "key": ["id"]`)
	}
	return nil
}

// Source is an API.
type Source struct {
	api      *client
	address  address
	settings settings
	tables   []connector.Table
}

// Close implements connector.Source. Connections are the driver's, and close when idle.
func (s *Source) Close() {}

// Check implements connector.Source: the first table's first page can be read. Where no
// table is told of, there is an answer and the credential is taken.
func (s *Source) Check(ctx context.Context) error {
	if len(s.tables) > 0 {
		_, err := s.first(ctx, s.tables[0])
		return err
	}
	_, err := s.api.get(ctx, &s.address.base)
	if fault.Is(err, fault.NotFound) || isNoJSON(err) {
		return nil
	}
	return err
}

// first reads the first page of a table.
func (s *Source) first(ctx context.Context, t connector.Table) (page, error) {
	p, err := s.pass(connector.Read{Table: t})
	if err != nil {
		return page{}, err
	}
	return p.ask(ctx)
}
