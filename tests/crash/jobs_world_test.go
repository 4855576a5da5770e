package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var jobTenants = []tenant.ID{"a", "b", "c"}

// task is what a job is to do: some steps, each of which leaves a file.
type task struct {
	Tenant tenant.ID
	Name   string
	Steps  int64
	Weak   int64 // this step fails in the first runs, and then does not
	Poison bool  // the last step can never succeed
}

func (k task) sum(steps int64) int64 { return steps * (steps + 1) / 2 }

// position is a task's checkpoint.
type position struct{ Step, Sum int64 }

// answer is what whoever cancelled a job was told.
type answer int

const (
	notAsked answer = iota
	tooLate
	confirmed
	unclear
)

// jobWorld is one schedule of jobs: what survives, and the processes that do not.
type jobWorld struct {
	t   *testing.T
	rng *rand.Rand
	now time.Time
	injector
	audit *audit

	table   *fake.Table
	queue   *fake.Queue
	blobs   *fake.Blobs
	calm    job.Jobs // nothing happens to it
	workers [3]*job.Worker
	busy    int // the worker at whose call a detour begins
	depth   int
	ids     int
	zombies int

	processes int // so far
	tasks     []task
	cancelled map[string]answer
}

func newJobWorld(t *testing.T, seed uint64) *jobWorld {
	w := &jobWorld{t: t, rng: rand.New(rand.NewPCG(seed, 2)), now: time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC), cancelled: map[string]answer{},
		audit: &audit{last: map[table.Key]job.Job{}, ended: map[table.Key]int{}, claimed: map[string]int{}}}
	w.injector = injector{countdown: -1, happened: map[misfortune]int{}, aside: w.aside, after: func() {}}
	clock := func() time.Time { return w.now }
	w.table, w.queue, w.blobs = &fake.Table{Now: clock}, &fake.Queue{Now: clock, Tries: 5}, &fake.Blobs{Now: clock}
	w.calm = w.jobs(audited{w.table, w.audit, 0})
	w.calm.Queue = w.queue
	for i := range w.workers {
		w.workers[i] = w.newWorker()
	}
	return w
}

func (w *jobWorld) jobs(tbl table.Table) job.Jobs {
	return job.Jobs{Table: tbl, Queue: faultyQueue{w.queue, &w.injector}, Now: func() time.Time { return w.now },
		NewID: func() string { w.ids++; return fmt.Sprintf("%012d", w.ids) }}
}

// faulty is the store as a process has it that may come to grief.
func (w *jobWorld) faulty() job.Jobs {
	w.processes++
	return w.jobs(faultyTable{audited{w.table, w.audit, w.processes}, &w.injector})
}

func (w *jobWorld) newWorker() *job.Worker {
	return &job.Worker{Jobs: w.faulty(), Random: w.rng.IntN, Log: slog.New(slog.DiscardHandler), Slice: time.Second,
		Runners: map[job.Kind]job.Runner{"task": tasks{w, faultyBlobs{w.blobs, &w.injector}}}}
}

// audited tells the audit what was applied, and by which process.
type audited struct {
	table.Table
	audit   *audit
	process int
}

func (a audited) Commit(ctx context.Context, writes ...table.Write) error {
	err := a.Table.Commit(ctx, writes...)
	if err == nil {
		a.audit.saw(a.process, writes)
	}
	return err
}

// tasks does tasks. Time passes with each step, so that slices end and leases lapse.
type tasks struct {
	w     *jobWorld
	blobs blob.Store
}

func (r tasks) Run(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
	var k task
	if err := json.Unmarshal(j.Request, &k); err != nil {
		return nil, err
	}
	var p position
	if len(j.Checkpoint) > 0 {
		if err := json.Unmarshal(j.Checkpoint, &p); err != nil {
			return nil, err
		}
	}
	for p.Step < k.Steps {
		r.w.now = r.w.now.Add(time.Duration(r.w.rng.IntN(1500)) * time.Millisecond)
		if err := r.step(ctx, j, k, p); err != nil {
			return nil, err
		}
		p.Step++
		p.Sum += p.Step
		at.Logf("step %d", p.Step)
		if err := at.Save(ctx, p, job.Progress{Done: p.Step, Total: k.Steps, Rows: p.Step * 10}); err != nil {
			return nil, err
		}
	}
	return map[string]int64{"sum": p.Sum}, nil
}

// step stores a file; that it is there already is fine.
func (r tasks) step(ctx context.Context, j job.Job, k task, p position) error {
	switch {
	case p.Step+1 == k.Steps && k.Poison:
		return fault.New(fault.Invalid, "poison", "this can never succeed")
	case p.Step == k.Weak && j.Tries < 2:
		return fault.New(fault.Unavailable, "weak", "not yet")
	}
	err := r.blobs.Put(ctx, fmt.Sprintf("out/%s/%s/%d", j.Tenant, j.ID, p.Step), []byte(k.Name))
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

func (w *jobWorld) task() task {
	k := task{Tenant: jobTenants[w.rng.IntN(len(jobTenants))], Name: fmt.Sprintf("k%d", len(w.tasks)), Steps: int64(w.rng.IntN(5)), Weak: -1}
	switch w.rng.IntN(6) {
	case 0:
		k.Weak = int64(w.rng.IntN(3))
	case 1:
		k.Poison = k.Steps > 0
	}
	w.tasks = append(w.tasks, k)
	return k
}

func (w *jobWorld) submit(k task) {
	text, err := json.Marshal(k)
	if err != nil {
		w.t.Fatal(err)
	}
	survives(func() {
		_, err := w.faulty().Submit(w.t.Context(), k.Tenant, job.Spec{Kind: "task", Key: k.Name, Request: text, Tries: 1000,
			Priority: job.Priority(w.rng.IntN(3) - 1)})
		if !kindly(err) {
			w.t.Errorf("Submit: %v", err)
		}
	})
}

// cancel asks for the end of a task's job, if it has one.
func (w *jobWorld) cancel(k task) {
	name := string(k.Tenant) + " " + k.Name
	for _, j := range w.all() {
		found, err := w.calm.Get(w.t.Context(), j.Tenant, j.ID)
		var of task
		if err != nil || json.Unmarshal(found.Request, &of) != nil || of.Name != k.Name || j.Tenant != k.Tenant {
			continue
		}
		told := unclear
		survives(func() {
			_, err := w.faulty().Cancel(w.t.Context(), j.Tenant, j.ID)
			switch {
			case err == nil:
				told = confirmed
			case fault.Is(err, fault.Conflict):
				told = tooLate
			case !kindly(err):
				w.t.Errorf("Cancel: %v", err)
			}
		})
		if told == confirmed || told == unclear && w.cancelled[name] != confirmed {
			w.cancelled[name] = told
		}
	}
}

// deliver gives a worker a hint, as a queue does: it may come again.
func (w *jobWorld) deliver(who int) {
	received, err := w.queue.Receive(w.t.Context(), 1, 30*time.Second, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(received) == 0 {
		return
	}
	if w.tick(who) {
		if err := w.queue.Ack(w.t.Context(), received[0].Receipt); err != nil {
			w.t.Fatal(err)
		}
	}
}

// tick lets a worker work, and reports whether it outlived that without an error.
func (w *jobWorld) tick(who int) (well bool) {
	was := w.busy
	w.busy = who
	defer func() { w.busy = was }()
	if !survives(func() {
		_, err := w.workers[who].Work(w.t.Context())
		if !kindly(err) {
			w.t.Errorf("Work: %v", err)
		}
		well = err == nil
	}) {
		w.workers[who] = w.newWorker()
	}
	return well
}

// aside is what happens in the middle of somebody's call: a job comes, or so much time
// passes that a worker may be taken for dead, and another one works.
func (w *jobWorld) aside() {
	if w.depth > 0 {
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	if w.rng.IntN(2) == 0 {
		w.submit(w.task())
		return
	}
	away := time.Duration(w.rng.IntN(180)) * time.Second
	w.now = w.now.Add(away)
	if away > time.Minute {
		w.zombies++
	}
	if w.rng.IntN(2) == 0 { // the other one dies of it, and leaves its claim behind
		w.plan(w.rng.IntN(30), dieAfter)
	}
	if w.tick((w.busy + 1) % len(w.workers)); w.rng.IntN(2) == 0 {
		w.plan(w.rng.IntN(10), []misfortune{refuse, lose, dieAfter, detour}[w.rng.IntN(4)])
	}
}
