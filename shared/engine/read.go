package engine

import (
	"context"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Each takes a row, which it may not keep.
type Each func(row []query.Value) error

// Reader is an Engine that also gives what has no place in one answer.
type Reader interface {
	Engine

	// Stream answers a plan as Run does, without a limit to the answer's size: rows are
	// handed on one by one. It takes as long as ctx lets it.
	Stream(ctx context.Context, plan query.Plan, over snapshot.Snapshot, each Each) error

	// Read hands on the rows of a segment, from one place to before another, that match
	// a plan, in the order in which the segment has them.
	Read(ctx context.Context, plan query.RowsPlan, from segment.Ref, begin, end int64, each Each) error
}
