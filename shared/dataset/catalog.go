package dataset

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Catalog keeps the datasets of tenants in a table: one item by name, one by id, and
// of those that were deleted a tombstone until their data is gone.
type Catalog struct {
	Table table.Table
	Now   func() time.Time
	NewID func() ID // nil: random ids
}

func partition(t tenant.ID) string { return "catalog#" + string(t) }

func nameKey(t tenant.ID, n Name) table.Key {
	return table.Key{Partition: partition(t), Sort: "name#" + string(n)}
}

func idKey(t tenant.ID, id ID) table.Key {
	return table.Key{Partition: partition(t), Sort: "id#" + string(id)}
}

// Create adds a dataset. A taken name is fault.Conflict.
func (c Catalog) Create(ctx context.Context, t tenant.ID, spec Spec) (Dataset, error) {
	d, err := c.declare(spec)
	if err != nil {
		return Dataset{}, err
	}
	err = c.Table.Commit(ctx,
		table.Put(item(nameKey(t, d.Name), d, "1")).If(table.Absent),
		table.Put(table.Item{Key: idKey(t, d.ID), Attributes: map[string]string{"name": string(d.Name)}}).If(table.Absent),
		table.Put(tenantItem(t)))
	if fault.Is(err, fault.Conflict) {
		return Dataset{}, fault.New(fault.Conflict, "dataset_exists", "there is a dataset %q already", d.Name).
			WithHint("use it, or choose another name")
	}
	return d, err
}

// Draft returns a dataset as Create would make it, and which nobody has.
func (c Catalog) Draft(spec Spec) (Dataset, error) { return c.declare(spec) }

// declare turns a spec into a dataset, or says what is wrong with it.
func (c Catalog) declare(spec Spec) (Dataset, error) {
	if err := spec.Name.Check(); err != nil {
		return Dataset{}, err
	}
	if spec.Kind != Events && spec.Kind != Table {
		return Dataset{}, fault.New(fault.Invalid, "bad_dataset_kind", "%.40q is no kind of dataset", string(spec.Kind)).
			WithHint("use events or table")
	}
	d := Dataset{ID: c.newID(), Name: spec.Name, Kind: spec.Kind, Settings: spec.Settings.settled(Settings{}), Created: c.Now().UTC().Truncate(time.Microsecond)}
	err := d.Settings.check(d.Kind)
	if err != nil {
		return d, err
	}
	d.Declared, err = d.declareMore(spec.Columns)
	return d, err
}

// newID makes an id: 12 random characters, 60 bits, unless told otherwise.
func (c Catalog) newID() ID {
	if c.NewID != nil {
		return c.NewID()
	}
	return ID(strings.ToLower(rand.Text())[:12])
}

// declareMore returns the declared columns with some more. A column can be declared
// once; to declare it again with the same type changes nothing.
func (d Dataset) declareMore(columns []Column) ([]Column, error) {
	out := d.Declared
	for _, c := range columns {
		c.Declared = true
		if err := c.Check(d.Kind); err != nil {
			return nil, err
		}
		switch i := (Schema{Columns: out}).Find(c.Name); {
		case i < 0:
			out = append(out[:len(out):len(out)], c)
		case out[i].Type != c.Type:
			return nil, fault.New(fault.Conflict, "column_declared", "column %q is declared as %s already", c.Name, out[i].Type).
				WithHint("declared columns keep their type; declare another name")
		}
	}
	if len(out) > MaxColumns {
		return nil, fault.New(fault.Invalid, "too_many_columns", "a dataset has at most %d columns", MaxColumns)
	}
	return out, nil
}

// Check returns fault.Invalid unless c may be a column of a dataset of that kind.
func (c Column) Check(kind Kind) error {
	switch c.Type {
	case Bool, Int, Float, Text, Time, JSON:
	default:
		return fault.New(fault.Invalid, "bad_column_type", "%.40q is no type of column", string(c.Type)).
			WithHint("use bool, int, float, text, time or json")
	}
	if c.Name == "" || len(c.Name) > 200 || strings.ContainsRune(c.Name, 0) {
		return fault.New(fault.Invalid, "bad_column_name", "a column's name has 1 to 200 bytes, none of them zero")
	}
	if kind == Events && IsFixed(c.Name) {
		return fault.New(fault.Invalid, "fixed_column", "every events dataset has a column %q", c.Name).
			WithHint("leave it out")
	}
	return nil
}

// Get returns the dataset with a name, or fault.NotFound.
func (c Catalog) Get(ctx context.Context, t tenant.ID, n Name) (Dataset, error) {
	d, _, err := c.get(ctx, t, n)
	return d, err
}

func (c Catalog) get(ctx context.Context, t tenant.ID, n Name) (Dataset, string, error) {
	if err := n.Check(); err != nil {
		return Dataset{}, "", err
	}
	found, err := c.Table.Get(ctx, nameKey(t, n))
	if fault.Is(err, fault.NotFound) {
		return Dataset{}, "", fault.New(fault.NotFound, "dataset_not_found", "there is no dataset %q", n).
			WithHint("GET /v1/datasets lists those there are; POST /v1/datasets creates one")
	}
	if err != nil {
		return Dataset{}, "", err
	}
	d, err := read(found)
	return d, found.Attributes["edition"], err
}

// ByID returns the dataset with an id, or fault.NotFound when it has been deleted.
func (c Catalog) ByID(ctx context.Context, t tenant.ID, id ID) (Dataset, error) {
	found, err := c.Table.Get(ctx, idKey(t, id))
	if err != nil {
		return Dataset{}, err
	}
	return c.Get(ctx, t, Name(found.Attributes["name"]))
}

// List returns a page of datasets in order of their names; next continues.
func (c Catalog) List(ctx context.Context, t tenant.ID, next string, limit int) (datasets []Dataset, more string, err error) {
	page, err := c.Table.List(ctx, table.Query{Partition: partition(t), Prefix: "name#", Next: next, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	for _, item := range page.Items {
		d, err := read(item)
		if err != nil {
			return nil, "", err
		}
		datasets = append(datasets, d)
	}
	return datasets, page.Next, nil
}

// Change is an update of a dataset: nil leaves as it is.
type Change struct {
	Settings *Settings `json:"settings,omitempty"`
	Columns  []Column  `json:"columns,omitempty" doc:"columns to declare"`
}

// Update changes a dataset.
func (c Catalog) Update(ctx context.Context, t tenant.ID, n Name, change Change) (Dataset, error) {
	d, edition, err := c.get(ctx, t, n)
	if err != nil {
		return Dataset{}, err
	}
	if d.Declared, err = d.declareMore(change.Columns); err != nil {
		return Dataset{}, err
	}
	if change.Settings != nil {
		d.Settings = change.Settings.settled(d.Settings)
		if err := d.Settings.check(d.Kind); err != nil {
			return Dataset{}, err
		}
		if d.Settings.OnConflict == "" {
			d.Settings.OnConflict = Quarantine
		}
	}
	err = c.Table.Commit(ctx, table.Put(item(nameKey(t, n), d, next(edition))).If(table.Equal("edition", edition)))
	if fault.Is(err, fault.Conflict) {
		return Dataset{}, fault.New(fault.Conflict, "dataset_changed", "dataset %q was changed meanwhile", n).
			WithHint("read it again and decide anew")
	}
	return d, err
}

// next counts editions, so that of two updates of the same one, one wins.
func next(edition string) string {
	n, _ := strconv.Atoi(edition) // 0 where there is none
	return strconv.Itoa(n + 1)
}

// item stores a dataset of an edition.
func item(key table.Key, d Dataset, edition string) table.Item {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // plain data
	}
	return table.Item{Key: key, Attributes: map[string]string{"edition": edition}, Body: text}
}

func read(item table.Item) (Dataset, error) {
	var d Dataset
	if err := json.Unmarshal(item.Body, &d); err != nil {
		return Dataset{}, fmt.Errorf("catalog item %s: %w", item.Key.Sort, err)
	}
	return d, nil
}
