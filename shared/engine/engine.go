// Package engine is the port for what runs plans over a dataset's rows. Package duck
// runs them in this process.
package engine

import (
	"context"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Engine runs plans.
type Engine interface {
	// Run answers a plan, bound to the snapshot's schema, over the snapshot's rows.
	// It neither releases nor keeps the snapshot. When ctx ends first it returns
	// fault.Unavailable; a plan that needs more memory or a larger answer than it
	// may have is fault.Invalid.
	Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error)
}
