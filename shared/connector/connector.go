// Package connector brings tables of other systems into datasets. A Connector says which
// tables, a Source reads them, and a Runner loads what was read: each load's commit notes
// how far the source was read, so that a sync which is killed anywhere, or done twice, goes
// on where the data is. docs/connectors.md says how and why; package connectortest holds
// the suite that every Source passes.
package connector

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Limits of connectors.
const (
	MaxConnectors = 100 // of a tenant
	MaxTables     = 200 // of a connector
	maxKey        = 16  // columns
)

// Name names a connector within its tenant, as a dataset is named.
type Name string

// ID is a connector's own: one that is made anew under an old name has another.
type ID string

// Kind is what kind of system a connector reads. It names the Driver.
type Kind string

// Mode is how a table is kept up to date.
type Mode string

// The modes.
const (
	Full        Mode = "full"        // all rows, each time
	Incremental Mode = "incremental" // the rows whose cursor has moved
	Changes     Mode = "changes"     // what the system's own log says has changed, deletes included
)

// Window is how far back from the last cursor an incremental sync reads again, for rows
// that were committed late: a duration of cursors that are times ("10m"), a number of
// others ("1000").
type Window string

// What a Window that says nothing is.
const (
	DefaultWindow = 10 * time.Minute
	DefaultSpan   = 1000
)

// Time returns the window of a cursor that is a time.
func (w Window) Time() (time.Duration, error) {
	if w == "" {
		return DefaultWindow, nil
	}
	if d, err := time.ParseDuration(string(w)); err == nil && d >= 0 {
		return d, nil
	}
	return 0, badWindow(w, "duration", "10m")
}

// Span returns the window of a cursor that is a number.
func (w Window) Span() (int64, error) {
	if w == "" {
		return DefaultSpan, nil
	}
	if n, err := strconv.ParseInt(string(w), 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	return 0, badWindow(w, "whole number", "1000")
}

func badWindow(w Window, what, example string) error {
	return fault.New(fault.Invalid, "bad_window", "the window %.40q is no %s, which the cursor column needs", string(w), what).WithHint("give one such as %q", example)
}

// Table is a table of the source and the dataset that mirrors it, which is made when it is
// not there. What else is in the dataset goes with the first load.
type Table struct {
	Table   string       `json:"table" example:"public.orders" doc:"as the source calls it"`
	Dataset dataset.Name `json:"dataset" example:"orders" doc:"of kind table; it mirrors the table and is made when absent"`
	Mode    Mode         `json:"mode,omitempty" enum:"full,incremental,changes" doc:"default: incremental with a cursor, full without"`
	Cursor  string       `json:"cursor,omitempty" example:"updated_at" doc:"a column that grows with every change of a row"`
	Key     []string     `json:"key,omitempty" maxItems:"16" doc:"the columns that tell rows apart"`
	Time    string       `json:"time,omitempty" example:"placed_at" doc:"a column of times that questions by period are about: the time_column of a dataset that is made for the table"`
	Window  Window       `json:"window,omitempty" example:"10m" doc:"how far behind the cursor rows are read again: a duration or a number; default 10m or 1000"`
}

// Effective returns the mode that holds.
func (t Table) Effective() Mode {
	switch {
	case t.Mode != "":
		return t.Mode
	case t.Cursor != "":
		return Incremental
	}
	return Full
}

// check returns fault.Invalid unless a table can be kept as it says.
func (t Table) check() error {
	if err := t.Dataset.Check(); err != nil {
		return err
	}
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "bad_table", "table %.80q "+format, append([]any{t.Table}, args...)...)
	}
	switch mode := t.Effective(); {
	case t.Table == "" || len(t.Table) > 300 || strings.ContainsRune(t.Table, 0):
		return bad("has no name of 1 to 300 bytes")
	case mode != Full && mode != Incremental && mode != Changes:
		return bad("has mode %.40q, which is none of full, incremental and changes", string(mode))
	case mode == Incremental && t.Cursor == "":
		return bad("needs a cursor to be read incrementally")
	case mode != Incremental && (t.Cursor != "" || t.Window != ""):
		return bad("has a cursor or a window, which only mode incremental has")
	case mode == Changes && len(t.Key) == 0:
		return bad("needs a key for its changes")
	case len(t.Key) > maxKey || slices.Contains(t.Key, ""):
		return bad("has a key that is not of 1 to %d columns", maxKey)
	case t.Window != "":
		return t.checkWindow()
	}
	return nil
}

func (t Table) checkWindow() error {
	if _, err := t.Window.Span(); err == nil {
		return nil
	}
	_, err := t.Window.Time()
	return err
}

// setup tells apart the ways to read a table: what was noted of one says nothing of others.
func (t Table) setup() string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{t.Table, string(t.Effective()), t.Cursor}, t.Key...), "\x00")))
	return hex.EncodeToString(sum[:8])
}

// CheckTables returns fault.Invalid unless a connector can have those tables.
func CheckTables(all []Table) error {
	if len(all) == 0 || len(all) > MaxTables {
		return fault.New(fault.Invalid, "bad_tables", "a connector has 1 to %d tables", MaxTables).
			WithHint(`{"tables": [{"table": "public.orders", "dataset": "orders", "cursor": "updated_at", "key": ["id"]}]}`)
	}
	into := map[dataset.Name]bool{}
	for _, t := range all {
		if err := t.check(); err != nil {
			return err
		}
		if into[t.Dataset] {
			return fault.New(fault.Invalid, "dataset_twice", "two tables would fill the dataset %q", t.Dataset).WithHint("a dataset mirrors one table: name another")
		}
		into[t.Dataset] = true
	}
	return nil
}
