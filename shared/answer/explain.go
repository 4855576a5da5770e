package answer

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// What AWS bills for a query, in dollars of its list prices for us-east-1 (docs/cost.md):
// a second of the function's 3,008 MB on x86-64, and a request to the store. A segment
// takes two requests: its tail, and the columns that are read.
const (
	secondUSD          = 0.0000166667 * 3008 / 1024
	requestUSD         = 0.0000004
	requestsOfASegment = 2
)

// explained adds to an answer what it cost.
func (q *Question) explained(a Answer, ran time.Duration, plans []query.PlanCost) Answer {
	e := query.Explanation{From: "engine", OpenMs: millis(q.opened), BindMs: millis(q.bound), RunMs: millis(ran), Plans: plans}
	if a.Stats.Kept {
		e.From = "kept"
	}
	e.USD = (q.opened + q.bound + ran).Seconds() * secondUSD
	for _, p := range plans {
		e.USD += float64(p.Stats.Segments*requestsOfASegment) * requestUSD
	}
	a.Explain, a.forms = &e, nil // its form is not the kept one
	return a
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// recorder notes what each plan cost. Plans of a program may run at the same time.
type recorder struct {
	engine.Engine
	mu    sync.Mutex
	plans []query.PlanCost
}

// Run implements engine.Engine.
func (r *recorder) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	result, err := r.Engine.Run(ctx, plan, over)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plans = append(r.plans, query.PlanCost{Kind: plan.Kind(), Stats: result.Stats})
	return result, err
}
