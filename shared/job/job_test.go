package job_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
)

func TestAJobEndsWithItsResult(t *testing.T) {
	w := newWorld(t)
	id := w.submit(job.Spec{Request: []byte(`{"a":1}`), By: "key:1"}).ID
	w.do = func(_ context.Context, j job.Job, _ job.Checkpointer) (any, error) {
		return map[string]string{"asked": string(j.Request)}, nil
	}
	w.work()
	if j := w.inState(id, job.Done); string(j.Result) != `{"asked":"{\"a\":1}"}` || j.By != "key:1" || j.Share() != 1 {
		t.Errorf("%+v", j)
	}
}

func TestAKeyStandsForOneJob(t *testing.T) {
	w := newWorld(t)
	first := w.submit(job.Spec{Key: "k", By: "key:1"})
	if again := w.submit(job.Spec{Key: "k", By: "key:1"}); again.ID != first.ID {
		t.Errorf("jobs %s and %s", first.ID, again.ID)
	}
	if other := w.submit(job.Spec{Key: "k", By: "key:2"}); other.ID == first.ID {
		t.Error("two principals share a key")
	}
	_, err := w.jobs.Submit(t.Context(), owner, job.Spec{Kind: "test", Key: "k", By: "key:1", Request: []byte(`{"b":1}`)})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("another request under the same key: %v, want Conflict", err)
	}
	w.work()
	if again := w.submit(job.Spec{Key: "k", By: "key:1"}); again.ID != first.ID || again.State != job.Done {
		t.Errorf("after its end the key stands for %+v", again)
	}
}

func TestAJobKeepsWhatItsRequestMeantWhenItWasSubmitted(t *testing.T) {
	w := newWorld(t)
	var met []string
	w.do = func(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
		met = append(met, string(j.Pinned))
		if j.Runs == 1 {
			return nil, fault.New(fault.Invalid, "no", "this once")
		}
		return nil, nil
	}
	id := w.submit(job.Spec{Key: "k", Pinned: []byte("1")}).ID
	if again := w.submit(job.Spec{Key: "k", Pinned: []byte("2")}); again.ID != id {
		t.Errorf("the same request, which means something else by now, is job %s", again.ID)
	}
	w.work()
	if _, err := w.jobs.Retry(t.Context(), owner, id); err != nil {
		t.Fatal(err)
	}
	w.work()
	if diff := cmp.Diff([]string{"1", "1"}, met); diff != "" {
		t.Errorf("runs met (-want +got):\n%s", diff)
	}
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, spec := range map[string]job.Spec{
		"a request":     {Request: make([]byte, job.MaxRequest+1)},
		"what it means": {Request: make([]byte, job.MaxRequest), Pinned: []byte("1")},
		"a key":         {Key: strings.Repeat("k", job.MaxKey+1)},
	} {
		if _, err := w.jobs.Submit(t.Context(), owner, spec); !fault.Is(err, fault.TooLarge) && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAJobOfAnotherTenantIsNotFound(t *testing.T) {
	w := newWorld(t)
	id := w.submit(job.Spec{}).ID
	for name, ask := range map[string]func() (job.Job, error){
		"Get":    func() (job.Job, error) { return w.jobs.Get(t.Context(), "other", id) },
		"Cancel": func() (job.Job, error) { return w.jobs.Cancel(t.Context(), "other", id) },
		"Retry":  func() (job.Job, error) { return w.jobs.Retry(t.Context(), "other", id) },
	} {
		if _, err := ask(); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v, want NotFound", name, err)
		}
	}
}

func TestAFailureThatMayPassIsTriedAgainLaterAndLater(t *testing.T) {
	w := newWorld(t)
	id := w.submit(job.Spec{Tries: 4}).ID
	w.do = func(context.Context, job.Job, job.Checkpointer) (any, error) {
		return nil, fault.New(fault.Unavailable, "down", "it is down")
	}
	var waits []time.Duration
	for w.get(id).State == job.Queued {
		w.now = w.get(id).Due
		if w.now.IsZero() {
			w.now = w.get(id).Submitted
		}
		w.worker = w.newWorker() // looks at the clock at once
		w.work()
		if j := w.get(id); j.State == job.Queued {
			waits = append(waits, j.Due.Sub(w.now))
			if w.worker = w.newWorker(); w.work() != 0 {
				t.Error("it was tried again before its time")
			}
		}
	}
	if j := w.inState(id, job.Failed); j.Error.Code != "down" || j.Tries != 4 || len(waits) != 3 {
		t.Errorf("after waits %v: %+v, %+v", waits, j, j.Error)
	}
	for i, wait := range waits {
		if ceiling := time.Second << i; wait < ceiling/2 || wait > ceiling {
			t.Errorf("wait %d is %v, want %v to %v", i, wait, ceiling/2, ceiling)
		}
	}
}

func TestAFailureThatSaysHowLongItLastsIsTriedAgainAfterThat(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{5 * time.Minute: 5 * time.Minute, time.Hour: 10 * time.Minute} {
		w := newWorld(t)
		id := w.submit(job.Spec{}).ID
		w.do = func(context.Context, job.Job, job.Checkpointer) (any, error) {
			f := fault.New(fault.Unavailable, "rate_limited", "later")
			f.RetryAfter = asked
			return nil, fmt.Errorf("table orders: %w", f)
		}
		w.work()
		if wait := w.inState(id, job.Queued).Due.Sub(w.now); wait != want {
			t.Errorf("asked for %v it waits %v, want %v", asked, wait, want)
		}
	}
}

func TestAFailureThatCannotPassEndsTheJobAtOnce(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Invalid, fault.Denied, fault.NotFound, fault.TooLarge, fault.Unauthenticated} {
		w := newWorld(t)
		id := w.submit(job.Spec{}).ID
		w.do = func(context.Context, job.Job, job.Checkpointer) (any, error) { return nil, fault.New(kind, "no", "no") }
		w.work()
		if j := w.inState(id, job.Failed); j.Runs != 1 || j.Error.Code != "no" {
			t.Errorf("%v: %+v", kind, j)
		}
	}
}

func TestAnInternalErrorTellsTheOwnerNothing(t *testing.T) {
	for name, do := range map[string]func() (any, error){
		"an error":                 func() (any, error) { return nil, errors.New("secret") },
		"a panic":                  func() (any, error) { panic("secret") },
		"a result that is none":    func() (any, error) { return func() {}, nil },
		"a result too large":       func() (any, error) { return strings.Repeat("secret", job.MaxResult), nil },
		"a fault of kind Internal": func() (any, error) { return nil, fault.New(fault.Internal, "x", "secret") },
	} {
		w := newWorld(t)
		id := w.submit(job.Spec{Tries: 1}).ID
		w.do = func(context.Context, job.Job, job.Checkpointer) (any, error) { return do() }
		w.work()
		j := w.inState(id, job.Failed)
		log, err := w.jobs.Log(t.Context(), owner, id)
		if err != nil || strings.Contains(fmt.Sprint(*j.Error, log), "secret") || j.Error.Code != "internal" {
			t.Errorf("%s: %v, %+v %+v", name, err, j.Error, log)
		}
	}
}

func TestARunThatTakesLongerThanItsSliceGoesOnFromItsCheckpoint(t *testing.T) {
	w := newWorld(t)
	w.worker.Slice = 10 * time.Second
	id := w.submit(job.Spec{}).ID
	w.do = func(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
		n := len(j.Checkpoint) // a text that grows: "", "x", "xx"
		for text := strings.Repeat("x", max(0, n-2)); len(text) < 5; {
			w.now = w.now.Add(4 * time.Second)
			text += "x"
			if err := at.Save(ctx, text, job.Progress{Done: int64(len(text)), Total: 5}); err != nil {
				return nil, err
			}
		}
		return "all", nil
	}
	if runs := w.work(); runs != 2 {
		t.Errorf("%d runs, want 2", runs)
	}
	if j := w.inState(id, job.Done); j.Runs != 2 || j.Tries != 0 {
		t.Errorf("%+v", j)
	}
}

func TestACheckpointMakesUpForTheTriesBefore(t *testing.T) {
	w := newWorld(t)
	id := w.submit(job.Spec{Tries: 2}).ID
	w.do = func(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
		if j.Runs == 5 {
			return "done", nil
		}
		if err := at.Save(ctx, j.Runs, job.Progress{}); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.Unavailable, "down", "down")
	}
	for range 5 {
		w.work()
		w.now = w.now.Add(time.Minute)
	}
	w.inState(id, job.Done)
}

func TestAJobThatTakesLongerThanItMayFails(t *testing.T) {
	w := newWorld(t)
	id := w.submit(job.Spec{Limit: time.Hour}).ID
	w.do = func(ctx context.Context, _ job.Job, at job.Checkpointer) (any, error) {
		w.now = w.now.Add(61 * time.Minute)
		return nil, at.Save(ctx, 1, job.Progress{})
	}
	w.work()
	if j := w.inState(id, job.Failed); j.Error.Code != "time_limit" {
		t.Errorf("%+v", j.Error)
	}
	w.do = func(context.Context, job.Job, job.Checkpointer) (any, error) { return "done", nil }
	if _, err := w.jobs.Retry(t.Context(), owner, id); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.inState(id, job.Done)
}

func TestARunIsHeardOfWhileAStepLasts(t *testing.T) {
	w := newWorld(t)
	beats := make(chan time.Time)
	w.worker.Beats = func(time.Duration) (<-chan time.Time, func()) { return beats, func() {} }
	id := w.submit(job.Spec{}).ID
	w.do = func(ctx context.Context, _ job.Job, at job.Checkpointer) (any, error) {
		at.Report(job.Progress{Done: 1, Total: 4})
		at.Logf("under way")
		lease := w.get(id).Lease
		w.now = w.now.Add(50 * time.Second)
		beats <- w.now
		beats <- w.now // taken once the one before is stored
		if j := w.get(id); !j.Lease.After(lease) || j.Share() != 0.25 {
			t.Errorf("lease %v, then %v; progress %v", lease, j.Lease, j.Progress)
		}
		return "done", nil
	}
	w.work()
	log, err := w.jobs.Log(t.Context(), owner, id)
	if err != nil || len(log.Lines) != 1 || log.Lines[0].Text != "under way" {
		t.Errorf("%+v, %v", log, err)
	}
}

func TestACancelledJobStopsItsRunAndStaysCancelled(t *testing.T) {
	w := newWorld(t)
	beats := make(chan time.Time)
	w.worker.Beats = func(time.Duration) (<-chan time.Time, func()) { return beats, func() {} }
	id := w.submit(job.Spec{}).ID
	w.do = func(ctx context.Context, _ job.Job, _ job.Checkpointer) (any, error) {
		if _, err := w.jobs.Cancel(ctx, owner, id); err != nil {
			t.Error(err)
		}
		beats <- w.now
		<-ctx.Done() // the step is told
		return "done all the same", nil
	}
	w.work()
	if j := w.inState(id, job.Cancelled); j.Result != nil {
		t.Errorf("it has a result: %s", j.Result)
	}
	if _, err := w.jobs.Cancel(t.Context(), owner, id); err != nil {
		t.Errorf("cancelling again: %v", err)
	}
}

func TestAProcessThatEndsLeavesItsJobToOthersAtOnce(t *testing.T) {
	w := newWorld(t)
	id := w.submit(job.Spec{}).ID
	ctx, stop := context.WithCancel(t.Context())
	w.do = func(ctx context.Context, _ job.Job, _ job.Checkpointer) (any, error) {
		stop()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if _, err := w.worker.Work(ctx); err != nil {
		t.Fatal(err)
	}
	if j := w.inState(id, job.Queued); j.Tries != 0 || !j.Due.IsZero() {
		t.Errorf("%+v", j)
	}
}

func TestEndsCannotBeCancelledAndOnlyBadOnesTriedAgain(t *testing.T) {
	w := newWorld(t)
	done := w.submit(job.Spec{}).ID
	w.work()
	if _, err := w.jobs.Cancel(t.Context(), owner, done); !fault.Is(err, fault.Conflict) {
		t.Errorf("Cancel of a done job: %v", err)
	}
	if _, err := w.jobs.Retry(t.Context(), owner, done); !fault.Is(err, fault.Conflict) {
		t.Errorf("Retry of a done job: %v", err)
	}
	cancelled := w.submit(job.Spec{}).ID
	if _, err := w.jobs.Cancel(t.Context(), owner, cancelled); err != nil {
		t.Fatal(err)
	}
	if _, err := w.jobs.Retry(t.Context(), owner, cancelled); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.inState(cancelled, job.Done)
}

func TestALogKeepsItsLastLines(t *testing.T) {
	w := newWorld(t)
	id := w.submit(job.Spec{}).ID
	w.do = func(ctx context.Context, _ job.Job, at job.Checkpointer) (any, error) {
		for n := range 3 * job.MaxLines / 2 {
			at.Logf("line %d%s", n, strings.Repeat("ü", 1000))
			if n%100 == 0 {
				if err := at.Save(ctx, n, job.Progress{}); err != nil {
					return nil, err
				}
			}
		}
		return "done", nil
	}
	w.work()
	log, err := w.jobs.Log(t.Context(), owner, id)
	if err != nil || len(log.Lines) != job.MaxLines || log.Dropped != job.MaxLines/2 {
		t.Fatalf("%d lines, %d dropped, %v", len(log.Lines), log.Dropped, err)
	}
	if last := log.Lines[job.MaxLines-1].Text; !strings.HasPrefix(last, "line 299ü") || len(last) > 600 {
		t.Errorf("the last line is %q", last)
	}
}

func TestJobsAreListedByStateNewestFirst(t *testing.T) {
	w := newWorld(t)
	var all []job.ID
	for n := range 5 {
		w.now = w.now.Add(time.Second)
		all = append(all, w.submit(job.Spec{Request: fmt.Appendf(nil, "%d", n)}).ID)
	}
	slices.Reverse(all)
	if _, err := w.jobs.Cancel(t.Context(), owner, all[1]); err != nil {
		t.Fatal(err)
	}
	for of, want := range map[job.State][]job.ID{
		"": all, job.Cancelled: all[1:2], job.Queued: slices.Delete(slices.Clone(all), 1, 2), job.Failed: nil,
	} {
		var got []job.ID
		for next := ""; ; {
			page, more, err := w.jobs.List(t.Context(), owner, of, next, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range page {
				got = append(got, j.ID)
			}
			if next = more; next == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("state %q (-want +got):\n%s", of, diff)
		}
	}
}

func TestTheTimeThatIsLeftFollowsFromTheRate(t *testing.T) {
	began := time.Unix(1e9, 0)
	j := job.Job{State: job.Running, Began: job.Began{At: began, Done: 100}, Updated: began.Add(10 * time.Second), Progress: job.Progress{Done: 300, Total: 1000}}
	if left, ok := j.Left(); !ok || left != 35*time.Second || j.Rate() != 20 {
		t.Errorf("rate %v, left %v %v", j.Rate(), left, ok)
	}
	j.Progress.Total = 0
	if _, ok := j.Left(); ok || j.Share() != 0 {
		t.Error("without a total nobody can say")
	}
}

func TestAJobIsForgottenAfterAWhile(t *testing.T) {
	w := newWorld(t)
	id := w.submit(job.Spec{Key: "k"}).ID
	w.work()
	w.now = w.now.Add(job.Keep)
	if _, err := w.jobs.Get(t.Context(), owner, id); !fault.Is(err, fault.NotFound) {
		t.Errorf("Get: %v, want NotFound", err)
	}
	if again := w.submit(job.Spec{Key: "k"}); again.ID == id {
		t.Error("its key is still taken")
	}
}
