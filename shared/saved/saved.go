// Package saved keeps what tenants name in their datasets: measures, dimensions and
// queries, of which those of kind audience are filters by their names. A definition
// has versions, which are never used twice: whatever was computed by one tells by its
// name and version what it was computed of. Package query knows what definitions
// mean.
package saved

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Most is how many definitions a dataset may have, those deleted included.
const Most = 500

// Store keeps definitions in a table: the newest version of each, every version that
// there was, and which dataset a saved query's name is of.
type Store struct {
	Table table.Table
	Now   func() time.Time
}

// Entry is a version of a definition.
type Entry struct {
	Name    string          `json:"name"`
	Version int             `json:"version"`
	Created time.Time       `json:"created" doc:"of this version"`
	Deleted bool            `json:"deleted,omitempty"`
	Body    json.RawMessage `json:"definition,omitempty"` // as it was given
}

func partition(t tenant.ID, id dataset.ID) string {
	return "definitions#" + string(t) + "#" + string(id)
}

func newestKey(t tenant.ID, id dataset.ID, name string) table.Key {
	return table.Key{Partition: partition(t, id), Sort: "name#" + name}
}

func versionKey(t tenant.ID, id dataset.ID, name string, version int) table.Key {
	return table.Key{Partition: partition(t, id), Sort: fmt.Sprintf("version#%s#%08d", name, version)}
}

// queryKey is of a saved query: their names are a tenant's, not a dataset's.
func queryKey(t tenant.ID, name string) table.Key {
	return table.Key{Partition: "definitions#" + string(t), Sort: "query#" + name}
}

func absent(name string) error {
	return fault.New(fault.NotFound, "definition_not_found", "there is no definition %.80q", name).
		WithHint("GET /v1/datasets/{dataset}/definitions lists those there are")
}

// CheckName returns fault.Invalid unless a definition may have the name.
func CheckName(name string) error {
	if dataset.Name(name).Check() != nil {
		return fault.New(fault.Invalid, "bad_definition_name", "%.80q cannot name a definition", name).
			WithHint("start with a letter; then a-z, 0-9 and _; at most 64 characters")
	}
	return nil
}

// Get returns a version of a definition; of version 0, the newest.
func (s Store) Get(ctx context.Context, t tenant.ID, id dataset.ID, name string, version int) (Entry, error) {
	if err := CheckName(name); err != nil {
		return Entry{}, err
	}
	key := newestKey(t, id, name)
	if version > 0 {
		key = versionKey(t, id, name, version)
	}
	item, err := s.Table.Get(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return Entry{}, absent(name)
	}
	if err != nil {
		return Entry{}, err
	}
	e, err := read(item)
	if err == nil && e.Deleted {
		err = absent(name)
	}
	return e, err
}

func read(item table.Item) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(item.Body, &e); err != nil {
		return e, fmt.Errorf("definition %s: %w", item.Key.Sort, err)
	}
	return e, nil
}

// List returns the newest versions of a dataset's definitions in order of their names.
func (s Store) List(ctx context.Context, t tenant.ID, id dataset.ID) ([]Entry, error) {
	all, err := s.entries(ctx, t, id)
	kept := []Entry{}
	for _, e := range all {
		if !e.Deleted {
			kept = append(kept, e)
		}
	}
	return kept, err
}

func (s Store) entries(ctx context.Context, t tenant.ID, id dataset.ID) ([]Entry, error) {
	page, err := s.Table.List(ctx, table.Query{Partition: partition(t, id), Prefix: "name#", Limit: table.MaxPage})
	if err != nil {
		return nil, err
	}
	all := make([]Entry, len(page.Items))
	for i, item := range page.Items {
		if all[i], err = read(item); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Put makes a new version of a definition, unless the newest says the same.
func (s Store) Put(ctx context.Context, t tenant.ID, d dataset.Dataset, schema dataset.Schema, name string, body []byte) (Entry, error) {
	if err := CheckName(name); err != nil {
		return Entry{}, err
	}
	definition, err := query.DecodeDefinition(body, d.Name)
	if err != nil {
		return Entry{}, err
	}
	all, err := s.entries(ctx, t, d.ID)
	if err != nil {
		return Entry{}, err
	}
	named, err := Definitions(all, d.Name)
	if err != nil {
		return Entry{}, err
	}
	if err := definition.Check(name, d.Kind, schema, named); err != nil {
		return Entry{}, err
	}
	last := newest(all, name)
	switch {
	case last.Version > 0 && !last.Deleted && equal(last.Body, body):
		return last, nil
	case last.Version == 0 && len(all) >= Most:
		return Entry{}, fault.New(fault.Invalid, "too_many_definitions", "a dataset has at most %d definitions", Most)
	}
	next := Entry{Name: name, Version: last.Version + 1, Created: s.now(), Body: compact(body)}
	return next, s.commit(ctx, t, d, last, next, named[name].Query != nil, definition.Query != nil)
}

// Delete removes a definition. Its versions stay for who asks for them by number.
func (s Store) Delete(ctx context.Context, t tenant.ID, d dataset.Dataset, name string) error {
	last, err := s.Get(ctx, t, d.ID, name, 0)
	if err != nil {
		return err
	}
	before, err := query.DecodeDefinition(last.Body, d.Name)
	if err != nil {
		return fmt.Errorf("definition %s: %w", name, err)
	}
	gone := Entry{Name: name, Version: last.Version + 1, Created: s.now(), Deleted: true}
	return s.commit(ctx, t, d, last, gone, before.Query != nil, false)
}

// commit puts a version after the last one.
func (s Store) commit(ctx context.Context, t tenant.ID, d dataset.Dataset, last, next Entry, wasQuery, isQuery bool) error {
	body, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("definition %s: %w", next.Name, err)
	}
	unchanged := table.Absent
	if last.Version > 0 {
		unchanged = table.Equal("version", strconv.Itoa(last.Version))
	}
	writes := []table.Write{
		table.Put(table.Item{Key: newestKey(t, d.ID, next.Name), Attributes: map[string]string{"version": strconv.Itoa(next.Version)}, Body: body}).If(unchanged),
		table.Put(table.Item{Key: versionKey(t, d.ID, next.Name, next.Version), Body: body}).If(table.Absent),
	}
	place := table.Item{Key: queryKey(t, next.Name), Attributes: map[string]string{"dataset": string(d.Name), "id": string(d.ID)}}
	switch {
	case isQuery && !wasQuery:
		if err := s.free(ctx, t, next.Name); err != nil {
			return err
		}
		writes = append(writes, table.Put(place).If(table.Absent))
	case wasQuery && !isQuery:
		writes = append(writes, table.Delete(place.Key))
	}
	err = s.Table.Commit(ctx, writes...)
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "definition_changed", "definition %q was changed meanwhile", next.Name).WithHint("read it again and decide anew")
	}
	return err
}

func (s Store) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func newest(all []Entry, name string) Entry {
	for _, e := range all {
		if e.Name == name {
			return e
		}
	}
	return Entry{}
}
