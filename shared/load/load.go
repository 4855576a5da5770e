// Package load fills datasets of kind table. A load is rows that become visible in
// one commit, together with the end of those they replace, and that count once however
// often the load is repeated: its id is put beside them in the same transaction. (Rows of
// an events dataset pass the stream.)
//
// To the manifest, the loads of a table are the records of a shard of its own. So of
// two loads at a time one goes first, and a sweep can tell a file that an unfinished
// load may still claim from one that nobody can.
package load

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Loaded says what a load did.
type Loaded struct {
	Rows        int64 `json:"rows"`
	Replaced    int64 `json:"replaced,omitempty"` // rows that are no more
	Segments    int   `json:"segments"`
	Quarantined int64 `json:"quarantined,omitempty"`
	Dropped     int64 `json:"dropped,omitempty"` // rows of suppressed subjects
	Before      bool  `json:"-"`                 // it had been done by an earlier call
}

// Loader loads tables.
type Loader struct{ Manifest manifest.Store }

// Load does what a plan says. To do it again, even if nobody knows how it ended, changes
// nothing and returns what it did.
//
// Parts are read one after the other, and again from the first when another load was
// faster. Their columns are named and typed; those that are declared must hold values
// of the declared type, the schema widens for others. Rows that do not fit are
// fault.Invalid, more than a commit can hold are fault.TooLarge, and nothing of the
// load is visible then. After fault.Unavailable the outcome is unknown: load again.
func (l Loader) Load(ctx context.Context, t tenant.ID, d dataset.Dataset, p Plan) (Loaded, error) {
	if err := p.check(d); err != nil {
		return Loaded{}, err
	}
	for {
		if done, err := l.done(ctx, t, d.ID, p.ID); err != nil || done.Before {
			return done, err
		}
		a, err := l.begin(ctx, t, d, p)
		if err != nil {
			return Loaded{}, err
		}
		if err := a.run(ctx); err != nil {
			return Loaded{}, err
		}
		err = a.commit(ctx)
		if err == nil {
			return a.loaded, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return Loaded{}, err
		}
	}
}

func key(t tenant.ID, d dataset.ID, id ID) table.Key {
	return table.Key{Partition: checkpoint.Partition(t, d), Sort: "load#" + string(id)}
}

// done returns what a load did that was committed before.
func (l Loader) done(ctx context.Context, t tenant.ID, d dataset.ID, id ID) (Loaded, error) {
	item, err := l.Manifest.Table.Get(ctx, key(t, d, id))
	if fault.Is(err, fault.NotFound) {
		return Loaded{}, nil
	}
	if err != nil {
		return Loaded{}, err
	}
	done := Loaded{Before: true}
	if err := json.Unmarshal(item.Body, &done); err != nil {
		return Loaded{}, fmt.Errorf("load %s: %w", id, err)
	}
	return done, nil
}

// remember writes that a load is done.
func remember(t tenant.ID, d dataset.ID, id ID, loaded Loaded) table.Write {
	text, err := json.Marshal(loaded)
	if err != nil {
		panic(err) // plain data
	}
	return table.Put(table.Item{Key: key(t, d, id), Body: text}).If(table.Absent)
}
