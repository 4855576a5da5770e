package connector

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// Driver is how connectors of a kind reach their source.
type Driver interface {
	// Check returns fault.Invalid unless a connector can be so. It asks nobody.
	Check(c Config) error

	// Open connects to a source.
	Open(ctx context.Context, c Config) (Source, error)
}

// Config says which source, and how it is read.
type Config struct {
	DSN      secret.Value
	Settings json.RawMessage // an object of the kind's own; nil: none
	Tables   []Table         // of the connector
}

// Drivers are the kinds of connectors there are.
type Drivers map[Kind]Driver

// Check returns fault.Invalid unless a connector of a kind can be so. It asks nobody.
func (d Drivers) Check(k Kind, c Config) error {
	driver, err := d.of(k)
	if err != nil {
		return err
	}
	return driver.Check(c)
}

// Open connects to a source of a kind.
func (d Drivers) Open(ctx context.Context, k Kind, c Config) (Source, error) {
	driver, err := d.of(k)
	if err != nil {
		return nil, err
	}
	return driver.Open(ctx, c)
}

func (d Drivers) of(k Kind) (Driver, error) {
	if driver, ok := d[k]; ok {
		return driver, nil
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(d)) {
		all = append(all, string(kind))
	}
	return nil, fault.New(fault.Invalid, "bad_connector_kind", "%.40q is no kind of connector", string(k)).WithHint("use %s", strings.Join(all, ", "))
}

// NoSettings returns fault.Invalid if there are settings, for kinds that have none.
func (c Config) NoSettings() error {
	if len(c.Settings) == 0 || string(c.Settings) == "null" || string(c.Settings) == "{}" {
		return nil
	}
	return fault.New(fault.Invalid, "bad_settings", "a connector of this kind has no settings").WithHint("leave \"settings\" out")
}
