package saved

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Bind makes the program of a request over what is seen of a dataset, with the definitions that it
// names. One that names none costs no look-up.
func (s Store) Bind(ctx context.Context, t tenant.ID, r query.Request, d dataset.Dataset, seen query.View) (query.Program, error) {
	var named query.Definitions
	if r.Refers(seen) {
		var err error
		if named, err = s.Named(ctx, t, d); err != nil {
			return query.Program{}, err
		}
	}
	return query.Bind(r, seen, named)
}

// Named returns the newest definitions of a dataset.
func (s Store) Named(ctx context.Context, t tenant.ID, d dataset.Dataset) (query.Definitions, error) {
	all, err := s.entries(ctx, t, d.ID)
	if err != nil {
		return nil, err
	}
	return Definitions(all, d.Name)
}

// Query returns a tenant's saved query.
func (s Store) Query(ctx context.Context, t tenant.ID, name string) (query.Request, error) {
	if err := CheckName(name); err != nil {
		return query.Request{}, err
	}
	unknown := fault.New(fault.NotFound, "query_not_found", "there is no saved query %q", name).
		WithHint(`PUT /v1/datasets/{dataset}/definitions/{name} with {"query": {…}} saves one`)
	place, err := s.Table.Get(ctx, queryKey(t, name))
	if fault.Is(err, fault.NotFound) {
		return query.Request{}, unknown
	}
	if err != nil {
		return query.Request{}, err
	}
	e, err := s.Get(ctx, t, dataset.ID(place.Attributes["id"]), name, 0)
	if fault.Is(err, fault.NotFound) {
		return query.Request{}, unknown
	}
	if err != nil {
		return query.Request{}, err
	}
	d, err := query.DecodeDefinition(e.Body, dataset.Name(place.Attributes["dataset"]))
	if err != nil || d.Query == nil {
		return query.Request{}, fmt.Errorf("saved query %s: %w", name, err)
	}
	return *d.Query, nil
}

// free refuses a query's name that another dataset of the tenant has.
func (s Store) free(ctx context.Context, t tenant.ID, name string) error {
	place, err := s.Table.Get(ctx, queryKey(t, name))
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	}
	return fault.New(fault.Conflict, "query_exists", "dataset %q has a saved query %q", place.Attributes["dataset"], name).
		WithHint("choose another name: GET /v1/saved/%s names no dataset", name)
}

// Forget deletes all definitions of a dataset, and returns how many items that were.
// When it fails, a part is deleted; doing it again goes on.
func (s Store) Forget(ctx context.Context, t tenant.ID, id dataset.ID) (int, error) {
	deleted := 0
	for next := ""; ; {
		page, err := s.Table.List(ctx, table.Query{Partition: "definitions#" + string(t), Prefix: "query#", Next: next})
		if err != nil {
			return deleted, err
		}
		for _, item := range page.Items {
			if item.Attributes["id"] != string(id) {
				continue
			}
			if err := s.Table.Commit(ctx, table.Delete(item.Key)); err != nil {
				return deleted, err
			}
			deleted++
		}
		if next = page.Next; next == "" {
			break
		}
	}
	rest, err := table.Clear(ctx, s.Table, partition(t, id))
	return deleted + rest, err
}

// Definitions returns what versions of definitions of a dataset mean, without those
// that were deleted.
func Definitions(all []Entry, of dataset.Name) (query.Definitions, error) {
	named := query.Definitions{}
	for _, e := range all {
		if e.Deleted {
			continue
		}
		d, err := query.DecodeDefinition(e.Body, of)
		if err != nil {
			return nil, fmt.Errorf("definition %s: %w", e.Name, err)
		}
		d.Version = e.Version
		named[e.Name] = d
	}
	return named, nil
}

func compact(body []byte) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, body); err != nil {
		return body // it was decoded before
	}
	return b.Bytes()
}

func equal(a, b []byte) bool { return bytes.Equal(compact(a), compact(b)) }
