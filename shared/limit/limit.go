// Package limit bounds what one question of a tenant may cost. What answering would
// look at is known from the manifest before any of it is read, so that a question past
// a bound is refused at once and its neighbours do not notice.
package limit

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Limits are what one question may cost. Zero is no limit but the server's own.
//
// With them lies the policy of what callers may use over time, which package quota
// knows.
type Limits struct {
	quota.Policy

	Rows    int64   `json:"rows,omitempty" minimum:"0" doc:"rows of segments that it may look at; what is kept of answers is not looked at again"`
	Bytes   int64   `json:"bytes,omitempty" minimum:"0" doc:"bytes of segments that it may read from"`
	Seconds float64 `json:"seconds,omitempty" minimum:"0" doc:"that it may take"`
	USD     float64 `json:"usd,omitempty" minimum:"0" doc:"that answering it may cost in AWS, by the estimate that explain gives"`
}

// What AWS bills for a query, in dollars of its list prices for us-east-1 (docs/cost.md):
// a second of the function's 3,008 MB on x86-64, and a request to the store. A segment
// takes two requests: its tail, and the columns that are read.
const (
	secondUSD          = 0.0000166667 * 3008 / 1024
	requestUSD         = 0.0000004
	requestsOfASegment = 2
	bytesASecond       = 100 << 20 // of segments, that the function looks at
)

// questionUSD is what AWS bills for handing a question over: a request to the gateway,
// and one to the function.
const questionUSD = 0.000001 + 0.0000002

// USD is about what a query costs in AWS that took so long and read so many segments.
func USD(took time.Duration, segments int) float64 {
	return took.Seconds()*secondUSD + float64(segments*requestsOfASegment)*requestUSD
}

type key struct{}

// budget is what is left of a question's limits.
type budget struct {
	limits Limits
	use    func(context.Context, quota.Use) error // of the caller's quotas; nil: there are none
	mu     sync.Mutex
	spent  Limits
	asked  bool // the question itself is paid for
}

// With lets a question cost no more than its limits. The context ends with its time.
func With(ctx context.Context, l Limits) (context.Context, context.CancelFunc) {
	return with(ctx, &budget{limits: l})
}

func with(ctx context.Context, b *budget) (context.Context, context.CancelFunc) {
	l := b.limits
	ctx = context.WithValue(ctx, key{}, b)
	if l.Seconds > 0 {
		return context.WithTimeout(ctx, time.Duration(l.Seconds*float64(time.Second)))
	}
	return ctx, func() {}
}

// Charge counts segments that are about to be read, or refuses. The caller's quotas and
// the month's budget pay for them before they are read.
func Charge(ctx context.Context, refs []segment.Ref) error {
	b, ok := ctx.Value(key{}).(*budget)
	if !ok {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.spent
	if !b.asked {
		b.asked = true
		b.spent.USD += questionUSD
	}
	b.spent = b.spent.with(refs)
	switch l, s := b.limits, b.spent; {
	case l.Rows > 0 && s.Rows > l.Rows:
		return refusal("look at more than the %d rows that are allowed", l.Rows) // not how many: the caller may see a part of them
	case l.Bytes > 0 && s.Bytes > l.Bytes:
		return refusal("read from more than the %d bytes that are allowed", l.Bytes)
	case l.USD > 0 && s.USD > l.USD:
		return refusal("cost more than the %.6f dollars that are allowed", l.USD)
	}
	if b.use == nil {
		return nil
	}
	return b.use(ctx, quota.Use{quota.Bytes: b.spent.Bytes - before.Bytes, quota.USD: quota.Nanodollars(b.spent.USD - before.USD)})
}

// with adds what it costs to read segments.
func (l Limits) with(refs []segment.Ref) Limits {
	for _, ref := range refs {
		l.Rows += ref.Rows
		l.Bytes += ref.Bytes
		l.USD += USD(time.Duration(float64(ref.Bytes)/bytesASecond*float64(time.Second)), 1)
	}
	return l
}

func refusal(format string, args ...any) error {
	return fault.New(fault.Invalid, "over_limit", "answering this would "+format, args...).
		WithHint("shorten the time range or ask of fewer datasets; an admin sets the limits by PUT /v1/limits")
}

// Engine charges what its Inner is about to read to the question's limits.
type Engine struct{ Inner engine.Engine }

// Run implements engine.Engine.
func (e Engine) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	r := plan.Source().Range
	var read []segment.Ref
	for _, ref := range over.Segments {
		if ref.MinTime < r.To && ref.MaxTime >= r.From {
			read = append(read, ref)
		}
	}
	if err := Charge(ctx, read); err != nil {
		return query.Result{}, err
	}
	return e.Inner.Run(ctx, plan, over)
}
