package load

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// shard is that whose records a table's loads are.
const shard stream.ShardID = "load"

// attempt is a load on its way to being the next record of its table's shard.
type attempt struct {
	Plan
	manifest manifest.Store
	tenant   tenant.ID
	dataset  dataset.Dataset
	swap     manifest.Swap

	guard      suppression.Guard
	suppressed *suppression.Filter

	schema dataset.Schema // what the rows so far need
	own    []written
	keys   *keys // of Upsert
	bad    quarantined
	change manifest.Change
	loaded Loaded
}

// written is a segment of the load's own.
type written struct {
	ref  segment.Ref
	dead []int32 // rows that later ones of the load replace
}

// suppressions of a tenant, and what a commit to the dataset must have been held against.
func (l Loader) suppressions(ctx context.Context, t tenant.ID, d dataset.ID) (suppression.Guard, *suppression.Filter, error) {
	store := suppression.Store{Table: l.Manifest.Table}
	guard, err := store.Guard(ctx, t, d)
	if err != nil {
		return guard, nil, err
	}
	list, err := store.Newest(ctx, t, suppression.List{}) // after the guard: at least as new
	return guard, list.Filter(), err
}

func (l Loader) begin(ctx context.Context, t tenant.ID, d dataset.Dataset, p Plan) (*attempt, error) {
	swap, err := l.Manifest.Begin(ctx, t, d.ID, shard)
	if err != nil {
		return nil, err
	}
	if err := l.unmoved(ctx, t, d.ID, p); err != nil { // after the mark: who notes something else moves it
		return nil, err
	}
	guard, suppressed, err := l.suppressions(ctx, t, d.ID)
	if err != nil {
		return nil, err
	}
	a := &attempt{Plan: p, guard: guard, suppressed: suppressed, manifest: l.Manifest, tenant: t, dataset: d, swap: swap,
		schema: manifest.MergeSchema(swap.State.Schema, dataset.Schema{Columns: d.Declared})}
	if p.Fresh {
		a.schema = dataset.Schema{Columns: d.Declared}
	}
	if p.Mode == Upsert {
		a.keys = newKeys(p.Key)
	}
	return a, nil
}

// run stores the rows as segments that are nobody's yet, and finds what they replace.
func (a *attempt) run(ctx context.Context) error {
	for part, err := range a.Parts {
		if err == nil {
			err = a.add(ctx, part)
		}
		if err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{a.settle, a.replace, a.quarantine} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if n := len(a.change.Add) + len(a.change.Remove); n > manifest.MaxSegments {
		return tooLarge()
	}
	if a.Check == nil {
		return nil
	}
	schema := a.schema
	if a.Fresh {
		schema = manifest.FreshSchema(a.swap.State.Schema, schema.Columns)
	}
	return a.Check(ctx, a.swap.State, a.swap.State.Next(manifest.Entry{
		Version: a.swap.State.Version + 1, Add: a.change.Add, Remove: a.change.Remove, Schema: &schema,
	}))
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "load_too_large", "a load makes and replaces at most %d segments, of up to %d rows", manifest.MaxSegments, segmentRows).
		WithHint("load the rows in several loads")
}

// add stores a part.
func (a *attempt) add(ctx context.Context, part Part) error {
	if err := a.bad.add(part.Bad...); err != nil {
		return err
	}
	if part.Gone.Len > 0 {
		if a.keys == nil {
			return fault.New(fault.Invalid, "bad_mode", "rows that are no more need an upsert")
		}
		if err := a.gone(part.Gone); err != nil {
			return err
		}
	}
	batch := part.Rows
	if batch.Len == 0 {
		return a.widen(batch) // what has no rows may have columns
	}
	batch, err := conform(batch, a.dataset.Declared)
	if err != nil {
		return err
	}
	if batch, err = timed(batch, a.dataset.Settings.TimeColumn); err != nil {
		return err
	}
	if err := a.widen(batch); err != nil {
		return err
	}
	held := a.held(batch)
	for _, selection := range split(batch) {
		all := len(selection)
		selection = slices.DeleteFunc(selection, held)
		a.loaded.Dropped += int64(all - len(selection))
		if err := a.store(ctx, batch, selection); err != nil {
			return err
		}
	}
	return nil
}

// store writes some rows of a batch, as a segment.
func (a *attempt) store(ctx context.Context, batch rows.Batch, selection []int32) (err error) {
	if a.keys != nil {
		if selection, err = a.newest(batch, selection); err != nil {
			return err
		}
	}
	if len(selection) == 0 {
		return nil
	}
	if len(a.own) == manifest.MaxSegments {
		return tooLarge()
	}
	ref, err := segment.WriteTable(ctx, a.manifest.Blobs, a.swap.Next(), batch, selection)
	if err != nil {
		return err
	}
	a.own = append(a.own, written{ref: ref})
	return nil
}

// held tells the rows of suppressed subjects.
func (a *attempt) held(batch rows.Batch) func(row int32) bool {
	var columns []*rows.Column
	for i := range batch.Columns {
		if c := &batch.Columns[i]; a.suppressed != nil && c.Type == dataset.Text && dataset.IsSubject(c.Name) {
			columns = append(columns, c)
		}
	}
	return func(row int32) bool {
		return slices.ContainsFunc(columns, func(c *rows.Column) bool {
			return !c.IsNull(int(row)) && a.suppressed.Subject(a.dataset.ID, string(c.Text(int(row))))
		})
	}
}

func (a *attempt) widen(batch rows.Batch) error {
	columns := make([]dataset.Column, len(batch.Columns))
	for i, c := range batch.Columns {
		columns[i] = c.Column
	}
	a.schema = manifest.MergeSchema(a.schema, dataset.Schema{Columns: columns})
	if len(a.schema.Columns) > dataset.MaxColumns {
		return fault.New(fault.Invalid, "too_many_columns", "a dataset has at most %d columns", dataset.MaxColumns)
	}
	return nil
}

// commit makes the load visible, unless it is done, the mark has moved, or what it
// replaces has changed: fault.Conflict. In the ledger its rows are nobody's deliveries:
// accepted by arriving.
func (a *attempt) commit(ctx context.Context) error {
	c := a.change
	c.Commit, c.Schema, c.Fresh = "load "+string(a.ID), a.schema, a.Fresh // named after the load and not what it does: two may do the same
	c.Also = []table.Write{remember(a.tenant, a.dataset.ID, a.ID, a.loaded), a.guard.Check()}
	if a.Place != "" {
		note, err := a.Note()
		if err != nil {
			return err
		}
		c.Also = append(c.Also, table.Put(table.Item{Key: noteKey(a.tenant, a.dataset.ID, a.Place), Body: note}))
	}
	if a.Also != nil {
		more, err := a.Also()
		if err != nil {
			return err
		}
		c.Also = append(c.Also, more...)
	}
	account := ledger.Account{Hour: ledger.HourOf(a.manifest.Now().UnixMicro())}
	lines := map[ledger.Account]ledger.Counts{account: {Stored: a.loaded.Rows, Dropped: a.loaded.Dropped, Quarantined: a.loaded.Quarantined}}
	for was, n := range a.bad.ended {
		lines[was] = lines[was].Plus(ledger.Counts{Quarantined: -n, Dropped: n})
	}
	c.Ledger = ledger.Delta{Erased: a.loaded.Replaced}
	for _, l := range ledger.Lines(lines) {
		if l.Counts != (ledger.Counts{}) {
			c.Ledger.Lines = append(c.Ledger.Lines, l)
		}
	}
	return a.swap.Commit(ctx, c)
}

func noteKey(t tenant.ID, d dataset.ID, place string) table.Key {
	return table.Key{Partition: checkpoint.Partition(t, d), Sort: "note#" + place}
}

// unmoved returns fault.Conflict where something else is noted than a plan goes by.
func (l Loader) unmoved(ctx context.Context, t tenant.ID, d dataset.ID, p Plan) error {
	if p.Since == nil {
		return nil
	}
	now, err := l.Note(ctx, t, d, p.Place)
	if err == nil && !bytes.Equal(now, *p.Since) {
		err = fault.New(fault.Conflict, "load_overtaken", "another load was faster").WithHint("try again")
	}
	return err
}

// Note returns what the last load with that place noted; nil: nothing yet.
func (l Loader) Note(ctx context.Context, t tenant.ID, d dataset.ID, place string) (json.RawMessage, error) {
	item, err := l.Manifest.Table.Get(ctx, noteKey(t, d, place))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return item.Body, err
}
