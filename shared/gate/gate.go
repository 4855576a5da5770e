// Package gate is the one way from a caller to the rows of a dataset. What it opens
// carries the view that the caller has: which rows, which columns, which of them masked.
// Every surface binds its questions to that view, so that no engine, cache or file sees
// more of a dataset than the caller may.
package gate

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/table"
)

// Gate opens datasets for callers.
type Gate struct {
	Source snapshot.Source
	Rules  *Store
	Now    func() time.Time
}

// New returns a Gate whose rules are in a table.
func New(source snapshot.Source, rules table.Table, now func() time.Time) Gate {
	return Gate{Source: source, Rules: &Store{Table: rules, Now: now, Random: rand.Reader}, Now: now}
}

// Open pins what a caller who may do the action sees of the newest version of a dataset.
// The result must be released.
func (g Gate) Open(ctx context.Context, p access.Principal, action access.Action, name dataset.Name, wait snapshot.Position) (engine.Visible, error) {
	if err := p.AllowRows(action, name, g.Now()); err != nil {
		return engine.Visible{}, err
	}
	if err := name.Check(); err != nil {
		return engine.Visible{}, err
	}
	restriction, err := g.Rules.Restriction(ctx, p, name)
	if err != nil {
		return engine.Visible{}, err
	}
	over, err := g.Source.Open(ctx, p.Tenant, name, wait)
	if err != nil {
		return engine.Visible{}, err
	}
	return engine.Visible{Snapshot: over, View: restriction.View(over.Dataset.Kind, over.Schema), Restriction: restriction}, nil
}

// OpenWhole is Open for what cannot be shown in part: the fate of an event, the
// quarantine, the ledger. Who does not see the whole dataset is denied.
func (g Gate) OpenWhole(ctx context.Context, p access.Principal, action access.Action, name dataset.Name) (snapshot.Snapshot, error) {
	over, err := g.Open(ctx, p, action, name, nil)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	if over.View.Restricted() {
		over.Release()
		return snapshot.Snapshot{}, denied(name)
	}
	return over.Snapshot, nil
}

func denied(name dataset.Name) error {
	return fault.New(fault.Denied, "restricted", "you see a part of dataset %q, and this is of all of it", name).
		WithHint("ask a question with POST /v1/query, which is answered from the rows that you see")
}
