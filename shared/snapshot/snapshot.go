// Package snapshot is one version of a dataset as a reader sees it: the sealed
// segments and the rows that are not sealed yet, pinned together.
package snapshot

import (
	"context"

	"github.com/tarnhq/tarn/shared/dataset"
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
	Position Position      // what has been folded in, tail included
	Segments []segment.Ref // of kind segment.Rows
	Tail     []Part        // empty in AWS, where the batching window makes the segment
	Release  func()        // never nil; after it, segments may be deleted and tail rows dropped
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
