// Package snapshot is one version of a dataset as a reader sees it: the sealed
// segments and the rows that are not sealed yet, pinned together.
package snapshot

import (
	"context"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Snapshot is a pinned version. It does not change. Release it when done.
type Snapshot struct {
	Dataset  dataset.Dataset
	Schema   dataset.Schema // as of this version, the tail's columns included
	Version  manifest.Version
	Position Position       // what has been folded in, tail included
	Segments []segment.Ref  // of kind segment.Rows
	Tail     []Part         // empty in AWS, where the batching window makes the segment
	State    manifest.State // all that is sealed, segments of other kinds and the ledger included
	Unsealed Unsealed       // what is not sealed and no row
	Release  func()         // never nil; after it, segments may be deleted and tail rows dropped
}

// Unsealed is what the tail holds beside its rows.
type Unsealed struct {
	Duplicates  []segment.DuplicateRow
	Quarantined []segment.QuarantineRow
	Dropped     []segment.DuplicateRow // marks
	Lines       []ledger.Line
}

// Ledger returns the right-hand side of the accounts as of the snapshot.
func (s Snapshot) Ledger() ledger.Totals {
	return s.State.Ledger.Plus(ledger.Delta{Lines: s.Unsealed.Lines})
}

// Visible counts the rows that a query of the snapshot sees, from the rows
// themselves and not from the ledger.
func (s Snapshot) Visible() int64 {
	n := s.State.Visible()
	for _, part := range s.Tail {
		n += int64(part.Rows.Len)
	}
	return n
}

// Part is a run of unsealed rows with the same columns. Two Parts with the same ID
// are views of the same growing batch: the longer one begins with the shorter one.
type Part struct {
	ID   uint64
	Rows rows.Batch // all columns of an events dataset: the fixed ones, then properties
}

// Source opens snapshots.
type Source interface {
	// Open pins the newest version of a dataset. With a non-empty wait it first
	// waits, no longer than ctx allows, until that position is folded in.
	Open(ctx context.Context, t tenant.ID, name dataset.Name, wait Position) (Snapshot, error)
}
