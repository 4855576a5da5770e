package engine

import (
	"context"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Answer runs a program over a snapshot.
func Answer(ctx context.Context, e Engine, program query.Program, over snapshot.Snapshot) (query.Result, error) {
	return program.Run(func(plan query.Plan) (query.Result, error) { return e.Run(ctx, plan, over) })
}
