package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// world is a scheduler on a clock that only the test moves.
type world struct {
	*testing.T
	Scheduler
	now   time.Time
	maker access.Principal
	gone  error     // of the maker
	order error     // of what they order
	asked time.Time // the alarm's time
}

var begin = time.Date(2024, 3, 28, 12, 0, 30, 0, time.UTC)

func newWorld(t *testing.T) *world {
	w := &world{T: t, now: begin, maker: access.Principal{Tenant: "main", ID: "key:1", Role: access.Analyst}}
	clock, ids := func() time.Time { return w.now }, 0
	id := func() string { ids++; return fmt.Sprintf("%012d", ids) }
	table := &fake.Table{Now: clock}
	w.Scheduler = Scheduler{
		Store: Store{Table: table, Now: clock, NewID: id},
		Jobs:  job.Jobs{Table: table, Queue: &fake.Queue{Now: clock, Tries: 5}, Now: clock, NewID: id},
		Alarm: w, Log: slog.New(slog.DiscardHandler),
		Who: func(context.Context, tenant.ID, string) (access.Principal, error) { return w.maker, w.gone },
		Orders: map[job.Kind]Order{"test": func(_ context.Context, p access.Principal, request json.RawMessage) (job.Spec, error) {
			if err := p.Allow(access.CreateExport, "", w.now); err != nil {
				return job.Spec{}, err
			}
			return job.Spec{Kind: "test", Dataset: "web", By: p.ID, Request: request}, w.order
		}},
	}
	return w
}

func (w *world) Set(_ context.Context, _ tenant.ID, _ string, at time.Time) error {
	w.asked = at
	return nil
}

func (w *world) Clear(context.Context, tenant.ID, string) error { w.asked = time.Time{}; return nil }

func (w *world) make(s Spec) {
	w.Helper()
	s.Name, s.Job = "nightly", Job{Kind: "test", Request: []byte(`{"n":1}`)}
	if _, err := w.Create(w.Context(), w.maker, s); err != nil {
		w.Fatal(err)
	}
}

// at moves the clock and has the scheduler look.
func (w *world) at(when string) {
	w.Helper()
	var err error
	if w.now, err = time.Parse(time.RFC3339, when); err != nil {
		w.Fatal(err)
	}
	if err := w.Look(w.Context()); err != nil {
		w.Error(err)
	}
}

// runs tells what became of the ticks, the earliest first, and checks that each that was
// ordered has a job of its own and that there are no others.
func (w *world) runs() (said []string) {
	w.Helper()
	is, err := w.Store.Get(w.Context(), "main", "nightly")
	if err != nil {
		w.Fatal(err)
	}
	runs, err := w.Store.Runs(w.Context(), is, 1000)
	if err != nil {
		w.Fatal(err)
	}
	jobs, _, err := w.Jobs.List(w.Context(), "main", "", "", 1000)
	if err != nil {
		w.Fatal(err)
	}
	there := map[job.ID]bool{}
	for _, j := range jobs {
		there[j.ID] = true
	}
	for i := len(runs) - 1; i >= 0; i-- {
		r := runs[i]
		text := r.Tick.Format("2T15:04 ") + string(r.Outcome)
		switch {
		case r.Outcome == Skipped:
			text += fmt.Sprintf(" %d until %s", r.Missed, r.Until.Format("2T15:04"))
		case r.Outcome == Failed:
			text += " " + r.Error.Code
		case !there[r.JobID]:
			w.Errorf("%s has no job of its own", text)
		}
		delete(there, r.JobID)
		said = append(said, text)
	}
	if len(there) > 0 {
		w.Errorf("jobs of no tick: %v", there)
	}
	return said
}

func (w *world) want(runs ...string) {
	w.Helper()
	if diff := cmp.Diff(runs, w.runs()); diff != "" {
		w.Errorf("(-want +got):\n%s", diff)
	}
}

func TestATickIsFiredOnceHoweverOftenItIsLookedAt(t *testing.T) {
	w := newWorld(t)
	w.make(Spec{Cron: "30 2 * * *", Zone: "Europe/Zurich"})
	if want := time.Date(2024, 3, 29, 1, 30, 0, 0, time.UTC); !w.asked.Equal(want) {
		t.Errorf("the alarm is set for %v, want %v", w.asked, want)
	}
	for _, at := range []string{"2024-03-29T01:29:59Z", "2024-03-29T01:30:00Z", "2024-03-29T01:30:00Z", "2024-03-29T01:31:00Z", "2024-03-30T01:30:10Z",
		"2024-03-31T01:00:01Z", "2024-03-31T01:30:00Z", "2024-04-01T00:30:00Z"} {
		w.at(at)
	}
	w.want("29T01:30 ordered", "30T01:30 ordered", "31T01:00 ordered", "1T00:30 ordered")
	if want := time.Date(2024, 4, 2, 0, 30, 0, 0, time.UTC); !w.asked.Equal(want) {
		t.Errorf("the alarm is set for %v, want %v", w.asked, want)
	}
}

func TestWhatWasMissedIsCaughtUpAsTheScheduleSays(t *testing.T) {
	for name, c := range map[string]struct {
		spec Spec
		at   string
		want []string
	}{
		"all: each": {Spec{Rate: "2 hours", CatchUp: All}, "2024-03-28T21:00:00Z",
			[]string{"28T14:00 ordered", "28T16:00 ordered", "28T18:00 ordered", "28T20:00 ordered"}},
		"last: one": {Spec{Rate: "2 hours"}, "2024-03-28T21:00:00Z", []string{"28T14:00 skipped 3 until 28T18:00", "28T20:00 ordered"}},
		"last: one, though some are late only": {Spec{Cron: "*/5 * * * *", CatchUp: Last}, "2024-03-28T13:02:00Z",
			[]string{"28T12:05 skipped 11 until 28T12:55", "28T13:00 ordered"}},
		"last: the only one, after days":     {Spec{Cron: "0 0 29 3 *"}, "2024-06-01T00:00:00Z", []string{"29T00:00 ordered"}},
		"skip: none":                         {Spec{Rate: "2 hours", CatchUp: Skip}, "2024-03-28T21:00:00Z", []string{"28T14:00 skipped 4 until 28T20:00"}},
		"skip: those that are late only":     {Spec{Cron: "*/15 * * * *", CatchUp: Skip}, "2024-03-28T13:02:00Z", []string{"28T12:15 skipped 2 until 28T12:30", "28T12:45 ordered", "28T13:00 ordered"}},
		"late is not missed":                 {Spec{Cron: "*/5 * * * *"}, "2024-03-28T12:16:00Z", []string{"28T12:05 ordered", "28T12:10 ordered", "28T12:15 ordered"}},
		"thirty minutes late":                {Spec{Rate: "1 hour"}, "2024-03-28T13:30:00Z", []string{"28T13:00 ordered"}},
		"twelve hours off, in another zone":  {Spec{Cron: "0 2 * * *", Zone: "Asia/Kolkata"}, "2024-03-29T08:30:00Z", []string{"28T20:30 ordered"}},
		"a single time":                      {Spec{At: time.Date(2024, 3, 28, 15, 0, 0, 0, time.UTC)}, "2024-03-29T08:30:00Z", []string{"28T15:00 ordered"}},
		"a single time that is not to be so": {Spec{At: time.Date(2024, 3, 28, 15, 0, 0, 0, time.UTC), CatchUp: Skip}, "2024-03-29T08:30:00Z", []string{"28T15:00 skipped 1 until 28T15:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.now = begin.Truncate(time.Minute)
			w.make(c.spec)
			w.at(c.at)
			w.want(c.want...)
			w.at(c.at)
			w.want(c.want...)
		})
	}
}

func TestCatchingUpIsBounded(t *testing.T) {
	w := newWorld(t)
	w.make(Spec{Cron: "* * * * *", CatchUp: All})
	w.at("2025-03-28T12:00:40Z")
	got := w.runs()
	if len(got) != 1+MaxCatchUp || got[len(got)-1] != "28T12:00 ordered" || got[1] != "28T10:21 ordered" {
		t.Errorf("%d runs: %v", len(got), got)
	}
}

func TestAPausedScheduleFiresNothingAndThenCatchesUp(t *testing.T) {
	for catchUp, want := range map[CatchUp][]string{
		All: {"28T13:00 ordered", "28T14:00 ordered", "28T15:00 ordered"}, Last: {"28T13:00 skipped 2 until 28T14:00", "28T15:00 ordered"},
		Skip: {"28T13:00 skipped 3 until 28T15:00"},
	} {
		w := newWorld(t)
		w.make(Spec{Cron: "0 * * * *", CatchUp: catchUp, Paused: true})
		w.at("2024-03-28T15:30:00Z")
		w.want()
		resumed := false
		if _, err := w.Change(t.Context(), access.Principal{Tenant: "main", ID: "key:2"}, "nightly", Change{Paused: &resumed}); err != nil {
			t.Fatal(err)
		}
		w.at("2024-03-28T15:30:01Z")
		w.want(want...)
	}
}

func TestAChangeHoldsFromThenOnAndWhatWasDueBeforeIsFiredAsItWas(t *testing.T) {
	w := newWorld(t)
	w.make(Spec{Cron: "0 * * * *"})
	w.now = time.Date(2024, 3, 28, 13, 10, 0, 0, time.UTC) // the tick of 13:00 is late
	hourly, other := "30 * * * *", Job{Kind: "test", Request: []byte(`{"n":2}`)}
	if _, err := w.Change(t.Context(), w.maker, "nightly", Change{Cron: &hourly, Job: &other}); err != nil {
		t.Fatal(err)
	}
	w.at("2024-03-28T13:29:00Z")
	w.want("28T13:00 ordered")
	w.at("2024-03-28T13:30:00Z")
	w.want("28T13:00 ordered", "28T13:30 ordered")
	jobs, _, err := w.Jobs.List(t.Context(), "main", "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`{"n":2}`, `{"n":1}`} {
		if j, err := w.Jobs.Get(t.Context(), "main", jobs[i].ID); err != nil || string(j.Request) != want {
			t.Errorf("job %d is to do %s, %v; want %s", i, j.Request, err, want)
		}
	}
}

func TestAMakerWhoMayNotAnyMoreFiresNothingAndItIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*world)
		code    string
	}{
		"gone":                          {func(w *world) { w.gone = fault.New(fault.Unauthenticated, "person_gone", "gone") }, "person_gone"},
		"of another role":               {func(w *world) { w.maker.Role = access.Viewer }, "denied"},
		"of narrower scopes":            {func(w *world) { w.maker.Scopes = []access.Action{access.RunQuery} }, "denied"},
		"with a dataset that went away": {func(w *world) { w.order = fault.New(fault.NotFound, "dataset_not_found", "gone") }, "dataset_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.make(Spec{Cron: "0 * * * *"})
			was := *w
			c.happens(w)
			w.at("2024-03-28T13:00:10Z")
			w.maker, w.gone, w.order = was.maker, nil, nil
			w.at("2024-03-28T14:00:10Z")
			w.want("28T13:00 failed "+c.code, "28T14:00 ordered")
		})
	}
}

func TestAScheduleHasNoMoreScopesThanItsMakerHad(t *testing.T) {
	w := newWorld(t)
	w.maker.Scopes = []access.Action{access.CreateExport, access.ChangeSchedules}
	w.make(Spec{Cron: "0 * * * *"})
	w.maker.Scopes = []access.Action{access.RunQuery}
	w.at("2024-03-28T13:00:10Z")
	w.maker.Scopes = nil
	w.at("2024-03-28T14:00:10Z")
	w.want("28T13:00 failed denied", "28T14:00 ordered")
}

func TestAFaultThatPassesIsTriedAgainForAnHour(t *testing.T) {
	w := newWorld(t)
	w.make(Spec{Cron: "0 13 * * *"})
	down := fault.New(fault.Unavailable, "down", "down")
	for _, at := range []time.Duration{0, 10 * time.Minute, 59 * time.Minute} {
		w.order, w.now = down, time.Date(2024, 3, 28, 13, 0, 10, 0, time.UTC).Add(at)
		if err := w.Look(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v, want Unavailable", err)
		}
		if !w.asked.Equal(w.now.Add(again)) {
			t.Errorf("the alarm is set for %v", w.asked)
		}
	}
	w.want()
	w.at("2024-03-28T14:00:10Z")
	w.want("28T13:00 failed down")
	w.order = nil
	w.at("2024-03-29T13:00:10Z")
	w.want("28T13:00 failed down", "29T13:00 ordered")
}

func TestWhoMayNotDoItMakesNoSchedule(t *testing.T) {
	w := newWorld(t)
	w.maker.Role = access.Viewer
	_, err := w.Create(t.Context(), w.maker, Spec{Name: "x", Cron: "@daily", Job: Job{Kind: "test", Request: []byte(`{}`)}})
	if !fault.Is(err, fault.Denied) {
		t.Errorf("%v, want Denied", err)
	}
	w.maker.Role = access.Analyst
	for name, spec := range map[string]Spec{
		"no such kind": {Name: "x", Cron: "@daily", Job: Job{Kind: "erasure"}}, "a time that has passed": {Name: "x", At: begin.Add(-time.Hour), Job: Job{Kind: "test"}},
		"a bad name": {Name: "X y", Cron: "@daily", Job: Job{Kind: "test"}}, "a way to catch up": {Name: "x", Cron: "@daily", CatchUp: "some", Job: Job{Kind: "test"}},
	} {
		if _, err := w.Create(t.Context(), w.maker, spec); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
	w.make(Spec{Cron: "@daily"})
	if _, err := w.Create(t.Context(), w.maker, Spec{Name: "nightly", Cron: "@daily", Job: Job{Kind: "test"}}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second of the same name: %v, want Conflict", err)
	}
}

func TestADeletedScheduleFiresNothingAndAnotherOfItsNameIsAnother(t *testing.T) {
	w := newWorld(t)
	w.make(Spec{Cron: "0 * * * *"})
	w.at("2024-03-28T13:00:10Z")
	if err := w.Delete(t.Context(), "main", "nightly"); err != nil {
		t.Fatal(err)
	}
	w.at("2024-03-28T14:00:10Z")
	if err := w.Delete(t.Context(), "main", "nightly"); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v, want NotFound", err)
	}
	w.make(Spec{Cron: "0 * * * *"})
	is, err := w.Store.Get(t.Context(), "main", "nightly")
	if err != nil {
		t.Fatal(err)
	}
	if runs, err := w.Store.Runs(t.Context(), is, 10); err != nil || len(runs) != 0 {
		t.Errorf("%v, %v", runs, err)
	}
}

func TestARunAtOnceIsBesideTheTicks(t *testing.T) {
	w := newWorld(t)
	w.make(Spec{Cron: "0 13 * * *", Paused: true})
	for range 2 {
		if _, err := w.RunNow(t.Context(), "main", "nightly"); err != nil {
			t.Fatal(err)
		}
	}
	w.want("28T12:00 ordered", "28T12:00 ordered")
}
