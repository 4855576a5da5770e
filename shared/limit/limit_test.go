package limit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/tests/fake"
)

// runs counts the plans that reach an engine.
type runs int

func (r *runs) Run(context.Context, query.Plan, snapshot.Snapshot) (query.Result, error) {
	*r++
	return query.Result{}, nil
}

var over = snapshot.Snapshot{Segments: []segment.Ref{
	{MinTime: 0, MaxTime: 9, Rows: 100, Bytes: 1 << 20}, {MinTime: 10, MaxTime: 19, Rows: 50, Bytes: 1 << 20},
}}

func TestAQuestionPastALimitIsRefusedBeforeAnythingIsRead(t *testing.T) {
	all, first := query.Unbounded, query.Range{From: 0, To: 10}
	for name, c := range map[string]struct {
		limits limit.Limits
		ranges []query.Range // of the plans of one question
		runs   runs
		says   string
	}{
		"no limits":               {limit.Limits{}, []query.Range{all, all}, 2, ""},
		"rows":                    {limit.Limits{Rows: 149}, []query.Range{all}, 0, "more than the 149 rows that are allowed"},
		"just as many rows":       {limit.Limits{Rows: 150}, []query.Range{all}, 1, ""},
		"rows within the range":   {limit.Limits{Rows: 149}, []query.Range{first}, 1, ""},
		"the plans together":      {limit.Limits{Rows: 199}, []query.Range{first, first}, 1, "more than the 199 rows that are allowed"},
		"bytes":                   {limit.Limits{Bytes: 2<<20 - 1}, []query.Range{all}, 0, "more than the 2097151 bytes that are allowed"},
		"dollars":                 {limit.Limits{USD: 0.000001}, []query.Range{all}, 0, "dollars"},
		"dollars enough":          {limit.Limits{USD: 0.001}, []query.Range{all}, 1, ""},
		"limits that are not met": {limit.Limits{Rows: 1000, Bytes: 1 << 30, USD: 1, Seconds: 60}, []query.Range{all}, 1, ""},
	} {
		ctx, cancel := limit.With(t.Context(), c.limits)
		var inner runs
		var err error
		for _, r := range c.ranges {
			if err == nil {
				_, err = limit.Engine{Inner: &inner}.Run(ctx, query.AggregatePlan{Rows: query.Rows{Range: r}}, over)
			}
		}
		cancel()
		if inner != c.runs {
			t.Errorf("%s: %d plans ran, want %d", name, inner, c.runs)
		}
		if refused := fault.Is(err, fault.Invalid); refused != (c.says != "") || refused && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAQuestionEndsWithItsTime(t *testing.T) {
	ctx, cancel := limit.With(t.Context(), limit.Limits{Seconds: 1e-9})
	defer cancel()
	<-ctx.Done()
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error(ctx.Err())
	}
}

func TestLimitsAreATenantsOwnAndHoldWithinSeconds(t *testing.T) {
	now := time.Unix(0, 0)
	tbl, clock := &fake.Table{}, func() time.Time { return now }
	one, other := limit.Store{Table: tbl, Now: clock}, limit.Store{Table: tbl, Now: clock}
	recent := func(s *limit.Store, who string, want limit.Limits) {
		t.Helper()
		if got, err := s.Recent(t.Context(), "acme"); who == "acme" && (err != nil || !cmp.Equal(got, want)) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		if got, err := s.Recent(t.Context(), "other"); who == "other" && (err != nil || !cmp.Equal(got, want)) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	recent(&other, "acme", limit.Limits{})
	if err := one.Put(t.Context(), "acme", limit.Limits{Rows: 7}); err != nil {
		t.Fatal(err)
	}
	recent(&one, "acme", limit.Limits{Rows: 7})
	recent(&one, "other", limit.Limits{})
	recent(&other, "acme", limit.Limits{})
	now = now.Add(5 * time.Second)
	recent(&other, "acme", limit.Limits{Rows: 7})
	for _, bad := range []limit.Limits{{Rows: -1}, {Bytes: -1}, {Seconds: -1}, {USD: -1}} {
		if err := one.Put(t.Context(), "acme", bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
