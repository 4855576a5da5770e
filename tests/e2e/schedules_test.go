package e2e

import (
	"net/http"
	"testing"
	"time"
)

type scheduleView struct {
	Runs []struct {
		Outcome string
		JobID   string `json:"job_id"`
	}
	Next []struct{ UTC time.Time }
}

// fired waits for a schedule to have a run, and returns its job.
func (p *process) fired(t *testing.T, name string) string {
	t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for range 1200 {
		<-look.C
		var is scheduleView
		p.call(t, http.MethodGet, "/v1/schedules/"+name, nil, &is)
		if len(is.Runs) == 0 { // not yet
			continue
		}
		if len(is.Runs) != 1 || is.Runs[0].Outcome != "ordered" || len(is.Next) != 0 {
			t.Fatalf("schedule %s: %+v", name, is)
		}
		return is.Runs[0].JobID
	}
	t.Fatalf("schedule %s fires nothing", name)
	return ""
}

func TestASchedulesExportIsMadeAtItsTimeAndAfterACrashToo(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	p.call(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "orders", "kind": "table"}, nil)
	p.loadRows(t, "", "text/csv", orders)
	at := time.Now().Add(time.Second)
	for _, name := range []string{"soon", "later"} {
		p.call(t, http.MethodPost, "/v1/schedules", map[string]any{"name": name, "at": at,
			"job": map[string]any{"kind": "export", "request": map[string]any{"query": map[string]any{"dataset": "orders", "measures": []any{"count"}}, "format": "csv"}}}, nil)
		at = at.Add(time.Second)
	}
	if j := p.done(t, p.fired(t, "soon")); j.State != "done" {
		t.Errorf("the export is %+v", j)
	}
	p.kill(t)
	p = start(t, data)
	if j := p.done(t, p.fired(t, "later")); j.State != "done" {
		t.Errorf("after a crash the export is %+v", j)
	}
	p.fired(t, "soon") // and not again
}
