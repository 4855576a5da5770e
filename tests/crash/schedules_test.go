package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/schedule"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// tickWorld is some schedules, and the schedulers that come to grief over them.
type tickWorld struct {
	t   *testing.T
	rng *rand.Rand
	now time.Time
	injector
	table   *fake.Table
	ids     int
	detours int
	made    map[schedule.Name]schedule.Schedule
	tenant  tenant.ID
}

func newTickWorld(t *testing.T, seed uint64) *tickWorld {
	w := &tickWorld{t: t, rng: rand.New(rand.NewPCG(seed, 3)), now: time.Date(2024, 3, 29, 22, 0, 30, 0, time.UTC), made: map[schedule.Name]schedule.Schedule{}, tenant: "a"}
	w.injector = injector{countdown: -1, happened: map[misfortune]int{}, aside: w.aside, after: func() {}}
	w.table = &fake.Table{Now: func() time.Time { return w.now }}
	return w
}

// scheduler is one whose table the injector stands around, or not.
func (w *tickWorld) scheduler(calm bool) schedule.Scheduler {
	clock := func() time.Time { return w.now }
	id := func() string { w.ids++; return fmt.Sprintf("%012d", w.ids) }
	var items table.Table = faultyTable{w.table, &w.injector}
	if calm {
		items = w.table
	}
	return schedule.Scheduler{
		Store: schedule.Store{Table: items, Now: clock, NewID: id},
		Jobs:  job.Jobs{Table: items, Queue: &fake.Queue{Now: clock, Tries: 5}, Now: clock, NewID: id},
		Alarm: lostAlarms{}, Log: slog.New(slog.DiscardHandler),
		Who: func(_ context.Context, t tenant.ID, id string) (access.Principal, error) {
			return access.Principal{Tenant: t, ID: id, Role: access.Analyst}, nil
		},
		Orders: map[job.Kind]schedule.Order{"test": func(_ context.Context, p access.Principal, request json.RawMessage) (job.Spec, error) {
			return job.Spec{Kind: "test", By: p.ID, Request: request}, nil
		}},
	}
}

// lostAlarms never ring: the clock alone must do.
type lostAlarms struct{}

func (lostAlarms) Set(context.Context, tenant.ID, string, time.Time) error { return nil }
func (lostAlarms) Clear(context.Context, tenant.ID, string) error          { return nil }

func (w *tickWorld) make(name schedule.Name, spec schedule.Spec) {
	spec.Name, spec.Job = name, schedule.Job{Kind: "test", Request: []byte(`{"of":"` + string(name) + `"}`)}
	s, err := w.scheduler(true).Create(w.t.Context(), access.Principal{Tenant: w.tenant, ID: "key:1", Role: access.Analyst}, spec)
	if err != nil {
		w.t.Fatal(err)
	}
	w.made[name] = s
}

// look has a scheduler look, which may die of it.
func (w *tickWorld) look() {
	survives(func() {
		if err := w.scheduler(false).Look(w.t.Context()); err != nil && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Throttled) && !fault.Is(err, fault.Conflict) {
			w.t.Errorf("Look: %v", err)
		}
	})
}

// aside is another scheduler that looks in the middle of a call, or the time that it took.
func (w *tickWorld) aside() {
	w.detours++
	if w.rng.IntN(2) == 0 {
		w.now = w.now.Add(time.Duration(w.rng.IntN(90)) * time.Minute)
	}
	if err := w.scheduler(true).Look(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

// check finds each tick that was due dealt with exactly once, and for each one that was
// ordered a job, and no other jobs.
func (w *tickWorld) check() (ordered int) {
	w.t.Helper()
	s, jobs := w.scheduler(true), map[job.ID]bool{}
	for next := ""; ; {
		page, more, err := s.Jobs.List(w.t.Context(), w.tenant, "", next, 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, j := range page {
			jobs[j.ID] = true
		}
		if next = more; next == "" {
			break
		}
	}
	for name, made := range w.made {
		ordered += w.checkOne(s, made, jobs)
		if is, err := s.Store.Get(w.t.Context(), w.tenant, name); err != nil || !is.Spec.Paused && !is.Next.After(w.now) {
			w.t.Errorf("%s is due since %v, and it is %v: %v", name, is.Next, w.now, err)
		}
	}
	if len(jobs) > 0 {
		w.t.Errorf("%d jobs of no tick", len(jobs))
	}
	return ordered
}

func (w *tickWorld) checkOne(s schedule.Scheduler, made schedule.Schedule, jobs map[job.ID]bool) (ordered int) {
	runs, err := s.Store.Runs(w.t.Context(), made, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	timetable, err := made.Spec.Timetable()
	if err != nil {
		w.t.Fatal(err)
	}
	due, missed := map[time.Time]int{}, 0
	for tick := range timetable.Between(made.Next, w.now) {
		due[tick] = 0
	}
	for _, r := range runs {
		switch r.Outcome {
		case schedule.Ordered:
			due[r.Tick]++
			if ordered++; !jobs[r.JobID] {
				w.t.Errorf("the tick of %v has no job of its own", r.Tick)
			}
			delete(jobs, r.JobID)
		case schedule.Skipped:
			for tick := range timetable.Between(r.Tick, r.Until) {
				due[tick]++
				missed++
			}
			missed -= r.Missed
		default:
			w.t.Errorf("%+v", r)
		}
	}
	for tick, n := range due {
		if n != 1 {
			w.t.Errorf("%s: the tick of %v was dealt with %d times", made.Spec.Name, tick, n)
		}
	}
	if missed != 0 {
		w.t.Errorf("%s: %d more ticks were skipped than is said", made.Spec.Name, missed)
	}
	return ordered
}

// TestATickIsNeitherLostNorFiredTwiceWhereverASchedulerIsBrokenOff has every call of a look
// at three schedules suffer every misfortune.
func TestATickIsNeitherLostNorFiredTwiceWhereverASchedulerIsBrokenOff(t *testing.T) {
	t.Parallel()
	for _, what := range []misfortune{refuse, throttle, lose, dieBefore, dieAfter, detour} {
		for call := 0; ; call++ {
			w := newTickWorld(t, uint64(call))
			w.make("all", schedule.Spec{Cron: "0,30 * * * *", Zone: "Europe/Zurich", CatchUp: schedule.All})
			w.make("last", schedule.Spec{Rate: "1 hour"})
			w.make("skip", schedule.Spec{Cron: "*/10 * * * *", CatchUp: schedule.Skip})
			w.now = w.now.Add(5 * time.Hour)
			w.plan(call, what)
			w.look()
			w.off()
			w.now = w.now.Add(time.Minute)
			w.look()
			if w.check(); t.Failed() {
				t.Fatalf("misfortune %d at call %d", what, call)
			}
			if w.happened[what] == 0 {
				if call < 20 {
					t.Errorf("a look has only %d calls", call)
				}
				break
			}
		}
	}
}

const tickSchedules = 1500

// TestOfManyTroubledDaysEachTickIsDealtWithOnce lets time pass by seconds and by days,
// pauses and resumes schedules, and has schedulers come to grief all the while.
func TestOfManyTroubledDaysEachTickIsDealtWithOnce(t *testing.T) {
	t.Parallel()
	var total [misfortunes]int
	ordered := 0
	for seed := range uint64(tickSchedules) {
		w := newTickWorld(t, seed)
		w.make("all", schedule.Spec{Cron: "15 * * * *", Zone: "Australia/Lord_Howe", CatchUp: schedule.All})
		w.make("last", schedule.Spec{Cron: "30 2,14 * * *", Zone: "Europe/Zurich"})
		w.make("skip", schedule.Spec{Rate: "7 minutes", CatchUp: schedule.Skip})
		for range 12 {
			w.step()
		}
		w.settle()
		if ordered += w.check(); t.Failed() {
			t.Fatalf("seed %d; misfortunes: %v", seed, w.happened)
		}
		for what, n := range w.happened {
			total[what] += n
		}
	}
	for _, what := range []misfortune{refuse, throttle, lose, dieBefore, dieAfter, detour} {
		if total[what] < 300 {
			t.Errorf("misfortune %d happened %d times: too rarely to prove anything", what, total[what])
		}
	}
	t.Logf("%d ticks ordered; misfortunes by kind: %v", ordered, total)
}

func (w *tickWorld) step() {
	away := []time.Duration{20 * time.Second, 6 * time.Minute, 40 * time.Minute, 9 * time.Hour}[w.rng.IntN(4)]
	w.now = w.now.Add(time.Duration(w.rng.Int64N(int64(away))))
	if w.rng.IntN(4) > 0 {
		w.plan(w.rng.IntN(25), []misfortune{refuse, throttle, lose, dieBefore, dieAfter, detour}[w.rng.IntN(6)])
	}
	defer w.off()
	if w.rng.IntN(5) == 0 {
		w.pause([]schedule.Name{"all", "last", "skip"}[w.rng.IntN(3)], w.rng.IntN(2) == 0)
		return
	}
	w.look()
}

func (w *tickWorld) pause(name schedule.Name, paused bool) {
	survives(func() {
		_, err := w.scheduler(false).Change(w.t.Context(), access.Principal{Tenant: w.tenant, ID: "key:2"}, name, schedule.Change{Paused: &paused})
		if err != nil && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Throttled) {
			w.t.Errorf("Change: %v", err)
		}
	})
}

// settle resumes what is paused, and has one scheduler look to which nothing happens.
func (w *tickWorld) settle() {
	w.off()
	for name := range w.made {
		w.pause(name, false)
	}
	if err := w.scheduler(true).Look(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}
