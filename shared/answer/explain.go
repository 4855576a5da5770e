package answer

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// explained adds to an answer what it cost.
func (q *Question) explained(a Answer, ran time.Duration, plans []query.PlanCost) Answer {
	e := query.Explanation{From: "engine", OpenMs: millis(q.opened), BindMs: millis(q.bound), RunMs: millis(ran), Plans: plans}
	if a.Stats.Kept {
		e.From = "kept"
	}
	segments := 0
	for _, p := range plans {
		segments += p.Stats.Segments
	}
	e.USD = limit.USD(q.opened+q.bound+ran, segments)
	a.Explain, a.forms = &e, nil // its form is not the kept one
	return a
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// recorder notes what each plan cost. Plans of a program may run at the same time.
type recorder struct {
	engine.Engine
	discreet bool // the caller does not see all rows, and is not told how many there are
	mu       sync.Mutex
	plans    []query.PlanCost
}

// Run implements engine.Engine.
func (r *recorder) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	result, err := r.Engine.Run(ctx, plan, over)
	if r.discreet {
		result.Stats = result.Stats.Discreet()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plans = append(r.plans, query.PlanCost{Kind: plan.Kind(), Stats: result.Stats})
	return result, err
}
