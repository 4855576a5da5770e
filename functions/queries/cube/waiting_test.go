package cube

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// lab is a waiting with a clock and work that ends when it is told to.
type lab struct {
	waiting
	at      time.Time
	started int
	end     chan error
}

func newLab() *lab {
	l := &lab{at: time.Unix(0, 0), end: make(chan error)}
	l.waiting = waiting{now: func() time.Time { return l.at }, runs: map[string]*run{}}
	return l
}

func (l *lab) work(ctx context.Context) ([]query.Result, error) {
	l.mu.Lock()
	l.started++
	n := l.started
	l.mu.Unlock()
	select {
	case err := <-l.end:
		return []query.Result{{Version: 1, Stats: query.Stats{Segments: n}}}, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var over = func() <-chan time.Time { c := make(chan time.Time); close(c); return c }()

func (l *lab) impatient(t *testing.T, key string) error {
	t.Helper()
	_, done, err := l.ask(t.Context(), key, over, l.work)
	if done {
		t.Errorf("%s is done", key)
	}
	return err
}

// patient asks until there is a result.
func (l *lab) patient(t *testing.T, key string) (int, error) {
	t.Helper()
	results, done, err := l.ask(t.Context(), key, make(chan time.Time), l.work)
	if !done {
		t.Errorf("%s is not done", key)
	}
	if err != nil {
		return 0, err
	}
	return results[0].Stats.Segments, nil
}

// finish ends the work of a key and waits until that is known.
func (l *lab) finish(key string, err error) {
	l.mu.Lock()
	r := l.runs[key]
	l.mu.Unlock()
	l.end <- err
	<-r.done
}

func TestWhoAsksAgainFindsTheRunThatWasLeft(t *testing.T) {
	l := newLab()
	for range 3 {
		if err := l.impatient(t, "a"); err != nil {
			t.Fatal(err)
		}
	}
	l.finish("a", nil)
	if n, err := l.patient(t, "a"); n != 1 || err != nil || l.started != 1 {
		t.Errorf("run %d of %d: %v", n, l.started, err)
	}
	if len(l.runs) != 0 {
		t.Errorf("%d runs are remembered", len(l.runs))
	}
}

func TestAResultIsGivenOnceAndThenAskedForAnew(t *testing.T) {
	l := newLab()
	for want := 1; want <= 2; want++ {
		if err := l.impatient(t, "a"); err != nil {
			t.Fatal(err)
		}
		l.finish("a", nil)
		if n, err := l.patient(t, "a"); n != want || err != nil {
			t.Errorf("run %d: %v, want %d", n, err, want)
		}
	}
}

func TestAFailureIsToldToWhoAsksAgain(t *testing.T) {
	l := newLab()
	if err := l.impatient(t, "a"); err != nil {
		t.Fatal(err)
	}
	l.finish("a", fault.New(fault.Invalid, "too_many_groups", "too many"))
	if _, err := l.patient(t, "a"); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestAPanicEndsItsRunAlone(t *testing.T) {
	l := newLab()
	_, done, err := l.ask(t.Context(), "a", make(chan time.Time), func(context.Context) ([]query.Result, error) { panic("oops") })
	if !done || fault.KindOf(err) != fault.Internal {
		t.Errorf("done %v, %v", done, err)
	}
}

func TestAResultThatNobodyComesForIsForgotten(t *testing.T) {
	l := newLab()
	if err := l.impatient(t, "a"); err != nil {
		t.Fatal(err)
	}
	l.finish("a", nil)
	l.at = l.at.Add(unclaimed + time.Second)
	if err := l.impatient(t, "b"); err != nil {
		t.Fatal(err)
	}
	if l.runs["a"] != nil || l.runs["b"] == nil {
		t.Errorf("remembered are %v", l.runs)
	}
	l.finish("b", nil)
}

func TestARunThatNobodyWaitsForEnds(t *testing.T) {
	l := newLab()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.ask(ctx, "a", make(chan time.Time), l.work); !errors.Is(err, context.Canceled) || len(l.runs) != 0 {
		t.Errorf("got %v, %d runs", err, len(l.runs))
	}
}

func TestRunsLeftBehindAreBounded(t *testing.T) {
	l := newLab()
	for n := range mostLeft {
		if err := l.impatient(t, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.impatient(t, "one more"); !fault.Is(err, fault.Throttled) || l.runs["one more"] != nil {
		t.Errorf("got %v", err)
	}
	close(l.end)
}

func TestWithoutPatienceTheWorkIsDoneInPlace(t *testing.T) {
	l := newLab()
	results, done, err := l.ask(t.Context(), "a", nil, func(context.Context) ([]query.Result, error) { return []query.Result{{Version: 7}}, nil })
	if !done || err != nil || results[0].Version != 7 || len(l.runs) != 0 {
		t.Errorf("done %v, %v, %v", done, results, err)
	}
}
