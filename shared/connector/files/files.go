// Package files reads files of rows that lie elsewhere: the objects of an S3 bucket, the
// files that an HTTP server lists, a sheet of Google Sheets by its CSV link. Package tabular
// reads what is in them. An incremental sync knows files by name and version, and remembers
// those that it has read: none is lost that appears late, whatever its time says.
package files

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/tabular"
)

// Kind is the kind of connectors that read files.
const Kind connector.Kind = "files"

// Cursor is that of tables that are read incrementally: files are new, or have changed.
const Cursor = "modified"

// Limits.
const (
	maxFiles  = 10_000  // of a table
	maxScan   = 100_000 // files of a folder that are looked at for them
	maxFile   = 8 << 30 // bytes of a file that cannot be read in ranges
	patience  = 10 * time.Minute
	batchRows = 200_000
	batchSize = 32 << 20 // bytes; a part of a file may exceed it
)

// Driver reaches files.
type Driver struct{ Client *http.Client }

// New returns a driver that reaches what options allow.
func New(o outbound.Options) Driver {
	o.Timeout, o.MaxBytes = patience, maxFile
	return Driver{Client: outbound.Client(o)}
}

// Check implements connector.Driver.
func (d Driver) Check(c connector.Config) error {
	if _, err := d.folder(string(c.DSN.Reveal())); err != nil {
		return err
	}
	if _, err := optionsOf(c.Settings); err != nil {
		return err
	}
	for _, t := range c.Tables {
		if err := check(t); err != nil {
			return err
		}
	}
	return nil
}

// check returns fault.Invalid unless a table can be read as it says.
func check(t connector.Table) error {
	switch _, err := path.Match(t.Table, ""); {
	case err != nil || strings.HasPrefix(t.Table, "/") || strings.Contains("/"+t.Table+"/", "/../"):
		return fault.New(fault.Invalid, "bad_table", "%.80q is no file, folder or pattern below the dsn", t.Table).WithHint(`name a file "orders.csv", a folder "orders" or a pattern "orders/*.csv.gz"`)
	case t.Effective() == connector.Changes:
		return fault.New(fault.Invalid, "no_changes", "files have no log of changes").WithHint("use mode incremental with a key, or full")
	case t.Window != "":
		return fault.New(fault.Invalid, "bad_window", "files are remembered, and need no window").WithHint("leave the window out")
	case t.Effective() == connector.Incremental && t.Cursor != Cursor:
		return fault.New(fault.Invalid, "unknown_column", "the cursor of files is %q, not %.40q", Cursor, t.Cursor).WithHint(`"cursor": "modified" reads files that are new or have changed`)
	}
	return nil
}

// optionsOf reads settings, which are options of package tabular.
func optionsOf(settings json.RawMessage) (o tabular.Options, err error) {
	if len(settings) == 0 {
		return o, nil
	}
	d := json.NewDecoder(bytes.NewReader(settings))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, fault.New(fault.Invalid, "bad_settings", "the settings are no options of how to read files").
			WithHint(`such as {"delimiter": ";", "decimal": ","}; what is left out is found`).Because(err)
	}
	return o, o.Check()
}

// Open implements connector.Driver.
func (d Driver) Open(_ context.Context, c connector.Config) (connector.Source, error) {
	f, err := d.folder(string(c.DSN.Reveal()))
	if err != nil {
		return nil, err
	}
	o, err := optionsOf(c.Settings)
	return &Source{folder: f, options: o, tables: c.Tables}, err
}

// entry is a file of a folder.
type entry struct {
	name     string // below the folder
	version  string // another for each content; empty: known once it is read
	size     int64  // bytes; negative: not known
	modified time.Time
	at       string // of the folder's own
}

// folder is where files lie.
type folder interface {
	// list returns files whose names begin so, or more; of more than some, some.
	list(ctx context.Context, prefix string, some int) ([]entry, error)

	// stat tells of the versions of files, and leaves out those that are gone.
	stat(ctx context.Context, all []entry) ([]entry, error)

	// check returns an error unless a file may be read.
	check(ctx context.Context, e entry) error

	// open returns what a file holds, in the version that it has.
	open(ctx context.Context, e entry) (content, error)
}

// content is what a file holds.
type content struct {
	tabular.Source
	version string
	close   func()
}

// Source is a folder of files.
type Source struct {
	folder  folder
	options tabular.Options
	tables  []connector.Table // of the connector
}

// Check implements connector.Source. Who may list may not read yet, so a file is asked for.
func (s *Source) Check(ctx context.Context) error {
	some, err := s.folder.list(ctx, "", 1)
	if err != nil || len(some) == 0 {
		return err
	}
	return s.folder.check(ctx, some[0])
}

// Close implements connector.Source.
func (s *Source) Close() {}
