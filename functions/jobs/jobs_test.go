package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// service serves the endpoints to callers who say who they are.
type service struct {
	*api.Server
	testing.TB
	jobs   job.Jobs
	worker *job.Worker
	polls  func() error // what happens between two looks of a stream
}

func newService(t testing.TB) *service {
	now := func() time.Time { return noon }
	ids := 0
	s := &service{TB: t, polls: func() error { return nil }}
	s.jobs = job.Jobs{Table: &fake.Table{Now: now}, Queue: &fake.Queue{Now: now, Tries: 5}, Now: now, NewID: func() string { ids++; return fmt.Sprintf("%06d", ids) }}
	s.worker = &job.Worker{Jobs: s.jobs, Runners: map[job.Kind]job.Runner{"test": runner(func(context.Context, job.Checkpointer) (any, error) { return "well", nil })},
		Random: func(int) int { return 0 }, Log: slog.New(slog.DiscardHandler)}
	s.Server = api.New(func(r *http.Request) (access.Principal, error) {
		who := strings.Split(r.Header.Get("Authorization"), " ")
		return access.Principal{Tenant: "main", Role: access.Role(who[0]), ID: who[1]}, nil
	}, now, slog.New(slog.DiscardHandler))
	Register(s.Server, Deps{Jobs: s.jobs, Now: now, Poll: func(context.Context) error { return s.polls() },
		Results: map[job.Kind]Result{
			"test": func(_ context.Context, j job.Job) (any, error) { return map[string]any{"said": j.Result}, nil }}})
	return s
}

type runner func(ctx context.Context, at job.Checkpointer) (any, error)

func (r runner) Run(ctx context.Context, _ job.Job, at job.Checkpointer) (any, error) {
	return r(ctx, at)
}

func (s *service) submit(by string) job.ID {
	s.Helper()
	j, err := s.jobs.Submit(s.Context(), "main", job.Spec{Kind: "test", By: by, Request: []byte(`{}`)})
	if err != nil {
		s.Fatal(err)
	}
	return j.ID
}

func (s *service) work() {
	s.Helper()
	if _, err := s.worker.Work(s.Context()); err != nil {
		s.Fatal(err)
	}
}

func (s *service) ask(who, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Authorization", who)
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestAJobThatIsDoneShowsItsResult(t *testing.T) {
	s := newService(t)
	id := s.submit("key:1")
	s.work()
	out := s.ask("viewer key:1", "GET", "/v1/jobs/"+string(id))
	var got map[string]any
	if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil || out.Code != http.StatusOK {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	if got["state"] != "done" || got["progress"] != 1.0 || got["job_id"] != string(id) {
		t.Errorf("%v", got)
	}
	if diff := cmp.Diff(map[string]any{"said": "well"}, got["result"]); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestAJobTellsWhenItIsGivenUpForAsLongAsItIsUnderWay(t *testing.T) {
	s := newService(t)
	id := s.submit("key:1")
	shown := func() (v View) {
		t.Helper()
		if err := json.Unmarshal(s.ask("viewer key:1", "GET", "/v1/jobs/"+string(id)).Body.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	s.worker.Runners["test"] = runner(func(context.Context, job.Checkpointer) (any, error) {
		if v := shown(); v.Deadline == nil || !v.Deadline.Equal(noon.Add(24*time.Hour)) || v.MaxTries != 5 {
			t.Errorf("under way: deadline %v, %d tries", v.Deadline, v.MaxTries)
		}
		return "well", nil
	})
	if v := shown(); v.Deadline != nil {
		t.Errorf("in line: deadline %v", v.Deadline)
	}
	s.work()
	if v := shown(); v.State != job.Done || v.Deadline != nil {
		t.Errorf("%s: deadline %v", v.State, v.Deadline)
	}
}

func TestACallerSeesTheirOwnJobsAndWhoManagesThemAll(t *testing.T) {
	s := newService(t)
	mine, other := s.submit("key:1"), s.submit("key:2")
	for who, want := range map[string][]job.ID{"editor key:1": {mine}, "viewer key:2": {other}, "viewer key:3": {}, "admin key:3": {other, mine}} {
		var got struct{ Jobs []View }
		if err := json.Unmarshal(s.ask(who, "GET", "/v1/jobs").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		ids := []job.ID{}
		for _, v := range got.Jobs {
			ids = append(ids, v.ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("%s sees (-want +got):\n%s", who, diff)
		}
	}
	for _, c := range []struct{ method, path string }{{"GET", ""}, {"GET", "/log"}, {"GET", "/progress"}, {"POST", "/cancel"}, {"POST", "/retry"}} {
		path := "/v1/jobs/" + string(mine) + c.path
		if out := s.ask("viewer key:3", c.method, path); out.Code != http.StatusNotFound {
			t.Errorf("%s %s answers somebody else with %d", c.method, path, out.Code)
		}
	}
}

func TestAJobIsCancelledAndTriedAgain(t *testing.T) {
	s := newService(t)
	path := "/v1/jobs/" + string(s.submit("key:1"))
	for _, c := range []struct {
		path  string
		code  int
		state string
	}{{"/cancel", 200, "cancelled"}, {"/cancel", 200, "cancelled"}, {"/retry", 200, "queued"}, {"/retry", 200, "queued"}} {
		out := s.ask("viewer key:1", "POST", path+c.path)
		var got View
		if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil || out.Code != c.code || string(got.State) != c.state {
			t.Errorf("%s: %d %s", c.path, out.Code, out.Body)
		}
	}
	s.work()
	if out := s.ask("viewer key:1", "POST", path+"/cancel"); out.Code != http.StatusConflict {
		t.Errorf("a done job: %d", out.Code)
	}
}

func TestAStreamTellsEachStepAndEndsWithTheJob(t *testing.T) {
	s := newService(t)
	id := s.submit("key:1")
	steps := make(chan struct{})
	s.worker.Runners["test"] = runner(func(ctx context.Context, at job.Checkpointer) (any, error) {
		for n := range int64(3) {
			<-steps
			if err := at.Save(ctx, n, job.Progress{Done: n + 1, Total: 3}); err != nil {
				return nil, err
			}
			steps <- struct{}{}
		}
		<-steps
		return "well", nil
	})
	worked := make(chan struct{})
	polled := 0
	s.polls = func() error {
		switch polled++; {
		case polled == 1:
			go func() { s.work(); close(worked) }()
			steps <- struct{}{}
			<-steps
		case polled <= 3:
			steps <- struct{}{}
			<-steps
		case polled == 4:
			steps <- struct{}{}
			<-worked
		default:
			t.Error("the stream goes on after the end")
			return context.Canceled
		}
		return nil
	}
	out := s.ask("viewer key:1", "GET", "/v1/jobs/"+string(id)+"/progress")
	if out.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("content type %q", out.Header().Get("Content-Type"))
	}
	var shares []float64
	for line := range strings.SplitSeq(out.Body.String(), "\n") {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var v View
			if err := json.Unmarshal([]byte(data), &v); err != nil {
				t.Fatal(err)
			}
			shares = append(shares, v.Progress)
		}
	}
	if diff := cmp.Diff([]float64{0, 1. / 3, 2. / 3, 1, 1}, shares); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestAStreamGoesOnWhereItBrokeOff(t *testing.T) {
	s := newService(t)
	id := s.submit("key:1")
	path := "/v1/jobs/" + string(id) + "/progress"
	s.polls = func() error { return context.DeadlineExceeded }
	if out := s.ask("viewer key:1", "GET", path); !strings.Contains(out.Body.String(), "id: 1\n") {
		t.Errorf("the first look: %s", out.Body)
	}
	if out := s.ask("viewer key:1", "GET", path, "Last-Event-ID", "1"); out.Body.Len() > 0 {
		t.Errorf("nothing new, and yet: %s", out.Body)
	}
	s.work()
	out := s.ask("viewer key:1", "GET", path, "Last-Event-ID", "1")
	if !strings.Contains(out.Body.String(), `"state":"done"`) {
		t.Errorf("the end: %s", out.Body)
	}
	last := strings.SplitN(strings.SplitN(out.Body.String(), "id: ", 2)[1], "\n", 2)[0]
	if out := s.ask("viewer key:1", "GET", path, "Last-Event-ID", last); out.Code != http.StatusNoContent {
		t.Errorf("who has seen the end is answered %d, want 204", out.Code)
	}
}

// unflushed is an answer that is not sent before it is whole, as in Lambda.
type unflushed struct{ http.ResponseWriter }

func TestWhereAnAnswerMustBeWholeAStreamIsOneEvent(t *testing.T) {
	s := newService(t)
	id := s.submit("key:1")
	s.polls = func() error { t.Error("it waits"); return context.Canceled }
	r := httptest.NewRequest("GET", "/v1/jobs/"+string(id)+"/progress", nil)
	r.Header.Set("Authorization", "viewer key:1")
	w := httptest.NewRecorder()
	s.ServeHTTP(unflushed{w}, r)
	if n := strings.Count(w.Body.String(), "event: progress"); n != 1 {
		t.Errorf("%d events: %s", n, w.Body)
	}
}

func TestTheLogOfAJobIsGiven(t *testing.T) {
	s := newService(t)
	id := s.submit("key:1")
	s.worker.Runners["test"] = runner(func(_ context.Context, at job.Checkpointer) (any, error) { at.Logf("hello %d", 1); return nil, nil })
	s.work()
	out := s.ask("viewer key:1", "GET", "/v1/jobs/"+string(id)+"/log")
	if out.Code != http.StatusOK || !strings.Contains(out.Body.String(), "hello 1") {
		t.Errorf("%d %s", out.Code, out.Body)
	}
}
