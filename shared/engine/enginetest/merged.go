package enginetest

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// RunMerged tests that every plan is answered the same once merge has replaced some
// of a dataset's segments by others of the same rows.
func RunMerged(t *testing.T, store blob.Store, e engine.Engine, merge func(*rapid.T, snapshot.Snapshot) snapshot.Snapshot) {
	made := 0
	rapid.Check(t, func(t *rapid.T) {
		made++
		d := drawDataset(t, store, made)
		d.snapshot = merge(t, d.snapshot)
		for range plans() {
			compareAnswers(t, e, drawPlan(t, d.snapshot), d)
		}
	})
}
