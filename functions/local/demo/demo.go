// Package demo gives a fresh server something to ask about: flights as a table, and
// earthquakes as events that are sent as any producer sends them. Both come from the
// npm package vega-datasets. They are loaded once; a start that is cut off is made
// good by the next one and doubles nothing.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Deps is what loading needs.
type Deps struct {
	Tenant   tenant.ID
	Catalog  dataset.Catalog
	Loader   load.Loader
	Producer *ingest.Producer
}

// source is a dataset and the file that it comes from.
type source struct {
	spec dataset.Spec
	file string
	load func(Deps, context.Context, dataset.Dataset, string, *progress) error
}

var sources = []source{
	{flights, "flights-3m.parquet", Deps.loadFlights},
	{earthquakes, "earthquakes.json", Deps.loadEarthquakes},
}

// Load loads what has not been loaded from dir, the folder of vega-datasets, and
// tells a person about it on w. Without the folder it says how to get it. A name that
// is taken is left to whom it belongs.
func Load(ctx context.Context, d Deps, dir string, w io.Writer) error {
	for _, s := range sources {
		err := d.once(ctx, s, filepath.Join(dir, "data", s.file), newProgress(w, d.Catalog.Now, string(s.spec.Name)))
		if errors.Is(err, fs.ErrNotExist) {
			_, err = fmt.Fprintf(w, "There is no demo data in %s: `npm ci` fetches it for the next start, DEMO=0 does without.\n", dir)
			return err
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.spec.Name, err)
		}
	}
	return nil
}

// once loads a source unless that has been done.
func (d Deps) once(ctx context.Context, s source, path string, p *progress) error {
	c, err := d.read(ctx, s.spec.Name)
	if err != nil || c.done {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	into, err := d.claim(ctx, s.spec, c)
	if fault.Is(err, fault.Conflict) {
		p.say("there is a dataset of that name; it is left as it is")
		return d.done(ctx, s.spec.Name, c.dataset)
	}
	if err != nil {
		return err
	}
	if err := s.load(d, ctx, into, path, p); err != nil {
		p.abandon()
		return err
	}
	return d.done(ctx, s.spec.Name, into.ID)
}

// claimed says which dataset is the demo's, so that one that a person made under the
// same name is not taken for it.
type claimed struct {
	dataset dataset.ID // empty: none was made
	done    bool
}

func (d Deps) key(n dataset.Name) table.Key {
	return table.Key{Partition: "demo#" + string(d.Tenant), Sort: string(n)}
}

func (d Deps) read(ctx context.Context, n dataset.Name) (claimed, error) {
	item, err := d.Catalog.Table.Get(ctx, d.key(n))
	if fault.Is(err, fault.NotFound) {
		return claimed{}, nil
	}
	return claimed{dataset.ID(item.Attributes["dataset"]), item.Attributes["done"] != ""}, err
}

func (d Deps) write(ctx context.Context, n dataset.Name, attributes map[string]string) error {
	return d.Catalog.Table.Commit(ctx, table.Put(table.Item{Key: d.key(n), Attributes: attributes}))
}

func (d Deps) done(ctx context.Context, n dataset.Name, id dataset.ID) error {
	return d.write(ctx, n, map[string]string{"dataset": string(id), "done": "yes"})
}

// claim returns the demo's dataset. It makes one under a new id if there is none,
// which it writes down first: another dataset of that name is fault.Conflict.
func (d Deps) claim(ctx context.Context, spec dataset.Spec, c claimed) (dataset.Dataset, error) {
	if c.dataset != "" {
		found, err := d.Catalog.ByID(ctx, d.Tenant, c.dataset)
		if !fault.Is(err, fault.NotFound) {
			return found, err
		}
	}
	id := dataset.ID(strings.ToLower(rand.Text())[:12])
	if err := d.write(ctx, spec.Name, map[string]string{"dataset": string(id)}); err != nil {
		return dataset.Dataset{}, err
	}
	catalog := d.Catalog
	catalog.NewID = func() dataset.ID { return id }
	return catalog.Create(ctx, d.Tenant, spec)
}
