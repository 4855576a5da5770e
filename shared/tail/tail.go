// Package tail folds the records of the stream into rows that count once. It gives
// every delivery exactly one fate, keeps what is not sealed yet where queries can
// read it, and seals it into segments by the one commit (docs/commit.md). On a
// laptop the tail lives for as long as the seal policy says; in AWS every batch of
// records is folded and sealed at once.
package tail

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tenant"
)

// settingsAge is how long a dataset's settings may be out of date in a worker.
const settingsAge = time.Second

// Live is the unsealed part of all datasets in this process. For each shard, Fold,
// Freeze, Settle and Forget are called by one goroutine at a time; Open by anyone.
type Live struct {
	Catalog  dataset.Catalog
	Manifest manifest.Store
	Segments *segment.Cache
	Blobs    blob.Store
	Now      func() time.Time
	Changes  func() uint64 // grows with every change of the table; nil: others may change it, too

	mu    sync.Mutex
	open  map[owner]*live
	part  atomic.Uint64
	ask   atomic.Int64 // when SealAll was called last: Unix nanoseconds
	seen  sync.Map     // of sight, by named
	held  sync.Map     // of suppressed, by tenant.ID
	salts sync.Map     // of suppression.Salt, by tenant.ID
}

// named is a dataset by the name that a tenant has for it.
type named struct {
	tenant tenant.ID
	name   dataset.Name
}

// sight is what a name meant, and was brought up to date, at a number of changes.
type sight struct {
	found   dataset.Dataset
	live    *live
	changes uint64
}

type owner struct {
	tenant  tenant.ID
	dataset dataset.ID
}

// live is one dataset in this process.
type live struct {
	owner
	mu        sync.Mutex // guards what follows; never held during I/O
	dataset   dataset.Dataset
	checked   time.Time // when the settings were read
	state     manifest.State
	folds     map[stream.ShardID]*fold // each one's content belongs to its shard's worker
	published map[stream.ShardID][]*view
	changed   chan struct{} // closed when there is more to see
}

// errDeleted tells a dataset that was deleted from anything else that is not there:
// only that lets records be passed over.
var errDeleted = fault.New(fault.NotFound, "dataset_not_found", "the dataset was deleted")

// dataset returns the live dataset, loading it when it is new or its settings are old.
func (l *Live) dataset(ctx context.Context, o owner) (*live, error) {
	l.mu.Lock()
	d := l.open[o]
	l.mu.Unlock()
	now := l.Now()
	if d != nil {
		d.mu.Lock()
		fresh := now.Sub(d.checked) < settingsAge
		d.mu.Unlock()
		if fresh {
			return d, nil
		}
	}
	found, err := l.Catalog.ByID(ctx, o.tenant, o.dataset)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			l.mu.Lock()
			delete(l.open, o) // deleted: nobody can see it any more
			l.mu.Unlock()
			return nil, errDeleted
		}
		return nil, err
	}
	if d == nil {
		if d, err = l.load(ctx, o); err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	d.dataset, d.checked = found, now
	d.mu.Unlock()
	return d, nil
}

func (l *Live) load(ctx context.Context, o owner) (*live, error) {
	st, err := l.Manifest.Load(ctx, o.tenant, o.dataset)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.open[o]; d != nil {
		return d, nil // another shard's worker was faster
	}
	if l.open == nil {
		l.open = map[owner]*live{}
	}
	d := &live{owner: o, state: st, folds: map[stream.ShardID]*fold{}, published: map[stream.ShardID][]*view{}, changed: make(chan struct{})}
	l.open[o] = d
	return d, nil
}

// all returns the live datasets.
func (l *Live) all() []*live {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*live, 0, len(l.open))
	for _, d := range l.open {
		out = append(out, d)
	}
	return out
}

// fold returns the shard's fold of the dataset, from its mark on.
func (l *Live) fold(ctx context.Context, d *live, shard stream.Shard) (*fold, error) {
	if f := d.of(shard.ID); f != nil {
		return f, nil
	}
	mark, err := checkpoint.Store{Table: l.Manifest.Table}.Read(ctx, d.tenant, d.owner.dataset, shard)
	if err != nil {
		return nil, err
	}
	// The state must be at least as new as the mark, or an id that the mark's commit
	// stored would not be known.
	if err := l.refresh(ctx, d); err != nil {
		return nil, err
	}
	f := &fold{shard: shard, mark: mark, seen: mark.Seen.Clone(), history: history{cache: l.Segments}, newID: func() uint64 { return l.part.Add(1) }}
	f.active = newGeneration(d.schema(), mark.Through)
	d.mu.Lock()
	d.folds[shard.ID] = f
	d.mu.Unlock()
	return f, nil
}

// refresh brings the state up to date.
func (l *Live) refresh(ctx context.Context, d *live) error {
	st, err := l.Manifest.Refresh(ctx, d.tenant, d.owner.dataset, d.current())
	if err == nil {
		d.advance(st)
	}
	return err
}

// current returns the newest state that this process knows.
func (d *live) current() manifest.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// advance moves the state forward, never back.
func (d *live) advance(st manifest.State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if st.Version > d.state.Version {
		d.state = st
		d.announce()
	}
}

// announce wakes those who wait for more. The lock is held.
func (d *live) announce() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// schema is what new rows begin with: what is committed and what is declared.
func (d *live) schema() dataset.Schema {
	d.mu.Lock()
	defer d.mu.Unlock()
	return manifest.MergeSchema(d.state.Schema, dataset.Schema{Columns: d.dataset.Declared})
}

// settings returns the catalog entry as last read.
func (d *live) settings() dataset.Dataset {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dataset
}

// publish lets readers see what the shard's fold holds.
func (d *live) publish(f *fold) {
	views := f.views()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.published[f.shard.ID] = views
	d.announce()
}

// Fold folds records of a shard in their order and returns how many it folded. The
// rest, from the one that the error is about, must be given again. What was folded
// is visible to Open when Fold returns.
func (l *Live) Fold(ctx context.Context, shard stream.Shard, records []stream.Record) (int, error) {
	touched := map[*live]*fold{}
	defer func() {
		for d, f := range touched {
			d.publish(f)
		}
	}()
	var decoder events.Decoder
	filters := map[tenant.ID]*suppression.Filter{}
	for i, r := range records {
		env, err := decoder.Record(r.Data)
		if err != nil {
			if err := l.poison(ctx, shard.ID, r); err != nil {
				return i, err
			}
			continue
		}
		suppressed, err := l.suppressed(ctx, tenant.ID(env.Tenant), filters)
		if err != nil {
			return i, err
		}
		d, f, err := l.foldOf(ctx, shard, env)
		if errors.Is(err, errDeleted) {
			continue // the dataset was deleted, and what was sent to it with it
		}
		if err != nil {
			return i, err
		}
		rec, err := l.record(ctx, d, r.Sequence, env, suppressed)
		if err != nil {
			return i, err
		}
		if err := l.apply(ctx, d, f, rec); err != nil {
			return i, err
		}
		touched[d] = f
	}
	return len(records), nil
}

// apply folds one record. A segment that is to be asked for ids may have been erased:
// then there is a newer version.
func (l *Live) apply(ctx context.Context, d *live, f *fold, r record) error {
	err := f.apply(ctx, d.current(), d.settings(), r, l.Now())
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	if err := l.refresh(ctx, d); err != nil {
		return err
	}
	return f.apply(ctx, d.current(), d.settings(), r, l.Now())
}

func (l *Live) foldOf(ctx context.Context, shard stream.Shard, env *events.Envelope) (*live, *fold, error) {
	d, err := l.dataset(ctx, owner{tenant.ID(env.Tenant), dataset.ID(env.Dataset)})
	if err != nil {
		return nil, nil, err
	}
	f, err := l.fold(ctx, d, shard)
	return d, f, err
}

// poison keeps a record that cannot be decoded where the operator can find it.
func (l *Live) poison(ctx context.Context, shard stream.ShardID, r stream.Record) error {
	err := l.Blobs.Put(ctx, "poison/"+string(shard)+"/"+string(r.Sequence), r.Data)
	if fault.Is(err, fault.Conflict) {
		return nil // kept when it was delivered before
	}
	return err
}

// Forget drops what is not sealed of a shard: another worker was faster, or the
// batch will be delivered again. The next Fold reads the marks anew.
func (l *Live) Forget(shard stream.ShardID) {
	for _, d := range l.all() {
		d.mu.Lock()
		delete(d.folds, shard)
		delete(d.published, shard)
		d.announce()
		d.mu.Unlock()
	}
}

// Open pins the newest version of a dataset; see snapshot.Source.
func (l *Live) Open(ctx context.Context, t tenant.ID, name dataset.Name, wait snapshot.Position) (snapshot.Snapshot, error) {
	found, d, err := l.newest(ctx, t, name)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	for {
		snap, changed := d.snapshot(found)
		if snap.Position.Covers(wait) {
			return snap, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return snapshot.Snapshot{}, snapshot.NotYet(ctx.Err())
		}
	}
}

// newest finds a dataset and brings its state up to date, unless nothing has changed
// since that was done.
func (l *Live) newest(ctx context.Context, t tenant.ID, name dataset.Name) (dataset.Dataset, *live, error) {
	var changes uint64
	if l.Changes != nil {
		changes = l.Changes() // before anything is read: what changes meanwhile is read again
		if was, ok := l.seen.Load(named{t, name}); ok && was.(sight).changes == changes {
			return was.(sight).found, was.(sight).live, nil
		}
	}
	found, err := l.Catalog.Get(ctx, t, name)
	if err != nil {
		l.seen.Delete(named{t, name})
		return dataset.Dataset{}, nil, err
	}
	d, err := l.dataset(ctx, owner{t, found.ID})
	if err == nil {
		err = l.refresh(ctx, d)
	}
	if err == nil && l.Changes != nil {
		l.seen.Store(named{t, name}, sight{found, d, changes})
	}
	return found, d, err
}

// snapshot pins what is there now. Of a shard's views those are shown that follow
// what is sealed without a gap or an overlap: one whose commit is known before its
// worker dropped it is not shown twice, nor what a worker holds that lost its shard.
func (d *live) snapshot(found dataset.Dataset) (snapshot.Snapshot, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	snap := snapshot.OfState(found, d.state)
	for shard, views := range d.published {
		at := d.state.Through[shard]
		for _, v := range views {
			if v.after != at || v.through == "" {
				continue
			}
			at = v.through
			snap.Schema = manifest.MergeSchema(snap.Schema, v.schema)
			snap.Position.Raise(shard, v.through)
			snap.Tail = append(snap.Tail, v.parts...)
			snap.Unsealed.Duplicates = append(snap.Unsealed.Duplicates, v.unsealed.Duplicates...)
			snap.Unsealed.Quarantined = append(snap.Unsealed.Quarantined, v.unsealed.Quarantined...)
			snap.Unsealed.Dropped = append(snap.Unsealed.Dropped, v.unsealed.Dropped...)
			snap.Unsealed.Lines = append(snap.Unsealed.Lines, v.unsealed.Lines...)
		}
	}
	return snap, d.changed
}
