package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// touch does a job of one step, if it does not fail.
type touch struct{ failing float64 }

// Run implements job.Runner.
func (r touch) Run(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
	if j.Tries == 0 && chosen(j.ID, r.failing) {
		return nil, fault.New(fault.Unavailable, "chosen", "this run was to fail")
	}
	return json.RawMessage(j.Request), at.Save(ctx, 1, job.Progress{Done: 1, Total: 1})
}

// chosen tells whether a job is among the share whose first run fails.
func chosen(id job.ID, share float64) bool {
	sum := 0
	for _, c := range []byte(id) {
		sum = (sum*31 + int(c)) % 10_007
	}
	return float64(sum) < share*10_007
}

type key struct {
	tenant string
	id     string
}

// ledger follows the writes that end a job.
type ledger struct {
	mu    sync.Mutex
	began time.Time
	want  int
	done  map[key]int
	order int
	last  map[tenant.ID]moment // of each tenant's last job
	all   chan struct{}
}

// moment is the place of an end among all, and when it came.
type moment struct {
	place int
	after time.Duration
}

// ended returns a channel that is closed once as many jobs have ended as there are.
func (l *ledger) ended() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.all = map[tenant.ID]moment{}, make(chan struct{})
	return l.all
}

func (l *ledger) saw(writes []table.Write) {
	for _, w := range writes {
		owner, mine := strings.CutPrefix(w.Item.Key.Partition, "jobs#")
		if w.Verb != table.VerbPut || !mine || !strings.HasPrefix(w.Item.Key.Sort, "job#") {
			continue
		}
		var j job.Job
		if json.Unmarshal(w.Item.Body, &j) != nil || j.State != job.Done {
			continue
		}
		l.note(key{owner, string(j.ID)})
	}
}

func (l *ledger) note(k key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.order++
	l.done[k]++
	l.last[tenant.ID(k.tenant)] = moment{l.order, time.Since(l.began)}
	if len(l.done) == l.want && l.done[k] == 1 {
		close(l.all)
	}
}

// twice counts the jobs that were done more than once.
func (l *ledger) twice() (n int) {
	for _, times := range l.done {
		if times > 1 {
			n++
		}
	}
	return n
}

// audited is a table whose applied writes the ledger sees.
type audited struct {
	table.Table
	ledger *ledger
}

// Commit implements table.Table.
func (a audited) Commit(ctx context.Context, writes ...table.Write) error {
	err := a.Table.Commit(ctx, writes...)
	if err == nil {
		a.ledger.saw(writes)
	}
	return err
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
