package crash

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/table"
)

const jobSchedules = 3000

// TestEveryScheduleOfJobsEndsInTheSameState kills workers and submitters between any
// two calls of the ports, loses answers, lets leases lapse under a worker's hands while
// others take its job, and delivers hints late, twice and never.
func TestEveryScheduleOfJobsEndsInTheSameState(t *testing.T) {
	t.Parallel()
	var total [misfortunes]int
	zombies := 0
	for seed := range uint64(jobSchedules) {
		w := newJobWorld(t, seed)
		for range 25 {
			w.step()
		}
		w.settle()
		if w.check(); t.Failed() {
			t.Fatalf("schedule %d; misfortunes: %v", seed, w.happened)
		}
		for what, n := range w.happened {
			total[what] += n
		}
		zombies += w.zombies
	}
	for _, what := range []misfortune{refuse, throttle, lose, dieBefore, dieAfter, detour} {
		if total[what] < 500 {
			t.Errorf("misfortune %d happened %d times in all schedules: too rarely to prove anything", what, total[what])
		}
	}
	if zombies < 200 {
		t.Errorf("%d times a worker went on that was taken for dead: too rarely to prove anything", zombies)
	}
	t.Logf("%d schedules; misfortunes by kind: %v; zombies: %d", jobSchedules, total, zombies)
}

// step does one thing, most often with a misfortune waiting in it.
func (w *jobWorld) step() {
	if w.rng.IntN(4) > 0 {
		w.plan(w.rng.IntN(40), []misfortune{refuse, throttle, lose, dieBefore, dieAfter, detour}[w.rng.IntN(6)])
	}
	defer w.off()
	switch n := w.rng.IntN(20); {
	case n < 6:
		w.submit(w.task())
	case n < 8 && len(w.tasks) > 0:
		w.submit(w.tasks[w.rng.IntN(len(w.tasks))]) // the submitter never saw the answer
	case n < 15:
		w.deliver(w.rng.IntN(len(w.workers)))
	case n < 16:
		w.tick(w.rng.IntN(len(w.workers)))
	case n < 17 && len(w.tasks) > 0:
		w.cancel(w.tasks[w.rng.IntN(len(w.tasks))])
	default:
		w.now = w.now.Add(time.Duration(w.rng.IntN(150)) * time.Second)
	}
}

// settle submits what was meant to be submitted and lets workers to whom nothing
// happens do all there is. Hints do not matter any more: the clock alone must do.
func (w *jobWorld) settle() {
	w.off()
	for _, task := range w.tasks {
		w.submit(task)
	}
	for i := range w.workers {
		w.workers[i] = w.newWorker()
	}
	for range 200 {
		for i := range w.workers {
			w.tick(i)
		}
		if w.ended() {
			return
		}
		w.now = w.now.Add(time.Minute)
	}
	w.t.Fatal("some jobs never end")
}

func (w *jobWorld) ended() bool {
	for _, j := range w.all() {
		if !j.State.Ended() {
			return false
		}
	}
	return true
}

func (w *jobWorld) all() (all []job.Job) {
	for _, t := range jobTenants {
		jobs, _, err := w.calm.List(w.t.Context(), t, "", "", 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, jobs...)
	}
	return all
}

// outcomeOfJob is what must be the same whatever happened on the way.
type outcomeOfJob struct {
	State  job.State
	Result string
	Code   string
}

func (w *jobWorld) check() {
	got, want := map[string]outcomeOfJob{}, map[string]outcomeOfJob{}
	for _, j := range w.all() {
		j, err := w.calm.Get(w.t.Context(), j.Tenant, j.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		var task task
		if err := json.Unmarshal(j.Request, &task); err != nil {
			w.t.Fatal(err)
		}
		name := string(j.Tenant) + " " + task.Name
		if _, twice := got[name]; twice {
			w.t.Errorf("task %s was made two jobs", name)
		}
		out := outcomeOfJob{State: j.State, Result: string(j.Result)}
		if j.Error != nil && j.State == job.Failed {
			out.Code = j.Error.Code
		}
		got[name], want[name] = out, task.outcome(w.cancelled[name], j.State)
		if progress := (job.Progress{Done: task.Steps, Total: task.Steps, Rows: task.Steps * 10}); j.State == job.Done && j.Progress != progress {
			w.t.Errorf("%s: progress %+v, want %+v", name, j.Progress, progress)
		}
	}
	if len(got) != len(w.tasks) {
		w.t.Errorf("%d jobs, want %d", len(got), len(w.tasks))
	}
	if d := diff.Diff(want, got); d != "" {
		w.t.Errorf("outcomes (-want +got):\n%s", d)
	}
	w.audit.check(w.t)
	w.index()
}

// outcome is how a task ends. One that somebody asked to cancel may have ended before.
func (k task) outcome(asked answer, is job.State) outcomeOfJob {
	switch {
	case asked == confirmed || asked == unclear && is == job.Cancelled:
		return outcomeOfJob{State: job.Cancelled}
	case k.Poison:
		return outcomeOfJob{State: job.Failed, Code: "poison"}
	}
	return outcomeOfJob{State: job.Done, Result: fmt.Sprintf(`{"sum":%d}`, k.sum(k.Steps))}
}

// index checks that each job is found where its state says, and nothing else is there.
func (w *jobWorld) index() {
	want, got := []string{}, []string{}
	for _, j := range w.all() {
		want = append(want, fmt.Sprintf("%s in#%s#%s", j.Tenant, j.State, j.ID))
	}
	for _, t := range jobTenants {
		page, err := w.table.List(w.t.Context(), table.Query{Partition: "jobs#" + string(t), Prefix: "in#"})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range page.Items {
			got = append(got, string(t)+" "+item.Key.Sort)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := diff.Diff(want, got); d != "" {
		w.t.Errorf("entries (-want +got):\n%s", d)
	}
	for _, partition := range []string{"jobs/ring", "jobs/clock"} {
		page, err := w.table.List(w.t.Context(), table.Query{Partition: partition})
		if err != nil || len(page.Items) > 0 {
			w.t.Errorf("left in %s: %v, %v", partition, page.Items, err)
		}
	}
}

// audit follows every write of a job's item that was applied.
type audit struct {
	last    map[table.Key]job.Job
	ended   map[table.Key]int
	claimed map[string]int // runs, by the process that began them
	wrong   []string
}

func (a *audit) saw(process int, writes []table.Write) {
	for _, write := range writes {
		key := write.Item.Key
		if !strings.HasPrefix(key.Partition, "jobs#") || !strings.HasPrefix(key.Sort, "job#") {
			continue
		}
		var now job.Job
		if err := json.Unmarshal(write.Item.Body, &now); err != nil {
			a.wrong = append(a.wrong, err.Error())
			continue
		}
		a.compare(process, key, a.last[key], now)
		a.last[key] = now
	}
}

func (a *audit) compare(process int, key table.Key, was, now job.Job) {
	complain := func(what string) {
		a.wrong = append(a.wrong, fmt.Sprintf("%s: %s: %+v, then %+v", key.Sort, what, was, now))
	}
	if was.State.Ended() {
		complain("something happened to an ended job")
	}
	if now.Revision != was.Revision+1 {
		complain("a revision was skipped or written over")
	}
	if was.State == job.Running && now.State == job.Running && was.Run != now.Run {
		complain("a run was taken over without an end of the other")
	}
	if was.State == job.Queued && now.State == job.Running {
		a.claimed[now.Run] = process
	}
	if effect := now.State == job.Running || now.State == job.Done; effect && a.claimed[cmp.Or(now.Run, was.Run)] != process {
		complain("somebody wrote in another's run")
	}
	if before, after := stepOf(was), stepOf(now); after != before && (after != before+1 || now.State != job.Running) {
		complain("a step was skipped, undone or done twice to effect")
	}
	if now.State.Ended() {
		a.ended[key]++
	}
}

func (a *audit) check(t *testing.T) {
	for _, wrong := range a.wrong {
		t.Error(wrong)
	}
	for key := range a.last {
		if a.ended[key] != 1 {
			t.Errorf("%s ended %d times", key.Sort, a.ended[key])
		}
	}
}

func stepOf(j job.Job) int64 {
	var c position
	if len(j.Checkpoint) > 0 {
		_ = json.Unmarshal(j.Checkpoint, &c) // what is no checkpoint has taken no step
	}
	return c.Step
}

// kindly reports whether an error is one that a caller must expect.
func kindly(err error) bool {
	return err == nil || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Throttled)
}
