package load

import (
	"context"
	"iter"
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
var shard = stream.Shard{ID: "load"}

// attempt is a load on its way to being the next record of its table's shard.
type attempt struct {
	manifest manifest.Store
	tenant   tenant.ID
	dataset  dataset.Dataset
	state    manifest.State
	mark     checkpoint.Mark
	sequence stream.Sequence

	guard      suppression.Guard
	suppressed *suppression.Filter

	refs   []segment.Ref
	schema dataset.Schema // what the rows so far need
	loaded Loaded
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

func (l Loader) begin(ctx context.Context, t tenant.ID, d dataset.Dataset) (*attempt, error) {
	mark, err := checkpoint.Store{Table: l.Manifest.Table}.Read(ctx, t, d.ID, shard)
	if err != nil {
		return nil, err
	}
	st, err := l.Manifest.Load(ctx, t, d.ID)
	if err != nil {
		return nil, err
	}
	guard, suppressed, err := l.suppressions(ctx, t, d.ID)
	if err != nil {
		return nil, err
	}
	return &attempt{guard: guard, suppressed: suppressed, manifest: l.Manifest, tenant: t, dataset: d, state: st, mark: mark, sequence: mark.Through.Next(),
		schema: manifest.MergeSchema(st.Schema, dataset.Schema{Columns: d.Declared})}, nil
}

// write stores the rows as segments that are nobody's yet.
func (a *attempt) write(ctx context.Context, parts iter.Seq2[rows.Batch, error]) error {
	for batch, err := range parts {
		if err != nil {
			return err
		}
		if err := a.add(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (a *attempt) add(ctx context.Context, batch rows.Batch) error {
	if batch.Len == 0 {
		return nil
	}
	batch, err := conform(batch, a.dataset.Declared)
	if err != nil {
		return err
	}
	if err := a.widen(batch); err != nil {
		return err
	}
	origin := segment.Origin{Tenant: a.tenant, Dataset: a.dataset.ID, Shard: shard.ID, From: a.sequence, Through: a.sequence}
	held := a.held(batch)
	for _, selection := range split(batch) {
		all := len(selection)
		selection = slices.DeleteFunc(selection, held)
		a.loaded.Dropped += int64(all - len(selection))
		if len(selection) == 0 {
			continue
		}
		if len(a.refs) == manifest.MaxSegments {
			return fault.New(fault.TooLarge, "load_too_large", "a load makes at most %d segments, of up to %d rows", manifest.MaxSegments, segmentRows).
				WithHint("append the rows in several loads")
		}
		ref, err := segment.WriteTable(ctx, a.manifest.Blobs, origin, batch, selection)
		if err != nil {
			return err
		}
		a.refs = append(a.refs, ref)
		a.loaded.Rows += ref.Rows
	}
	a.loaded.Segments = len(a.refs)
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

// commit makes the rows visible, unless the load is done or the mark has moved:
// fault.Conflict. In the ledger they are nobody's deliveries: accepted by arriving.
func (a *attempt) commit(ctx context.Context, id ID) error {
	name := "load " + string(id)
	c := manifest.Change{
		Commit: name, Add: a.refs, Schema: a.schema,
		Mark: &manifest.MarkMove{Shard: shard, From: a.mark, To: a.mark.Advance(a.sequence, name, checkpoint.Seen{})},
		Also: []table.Write{remember(a.tenant, a.dataset.ID, id, a.loaded), a.guard.Check()},
	}
	if a.loaded.Rows+a.loaded.Dropped > 0 {
		account := ledger.Account{Hour: ledger.HourOf(a.manifest.Now().UnixMicro())}
		c.Ledger.Lines = []ledger.Line{{Account: account, Counts: ledger.Counts{Stored: a.loaded.Rows, Dropped: a.loaded.Dropped}}}
	}
	_, err := a.manifest.Commit(ctx, a.tenant, a.dataset.ID, a.state, c)
	return err
}
