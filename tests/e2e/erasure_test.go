package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the other engine
)

// forgotten is who is erased. The text is nowhere else in the program.
const forgotten = "forgotten-7d31@example.org"

// jobView is a job as GET /v1/jobs/{id} tells it.
type jobView struct {
	State  string `json:"state"`
	Error  any    `json:"error"`
	Result struct {
		Suppression string `json:"suppression"`
		Rows        int64  `json:"rows"`
		Datasets    []struct {
			Dataset     string `json:"dataset"`
			Rows        int64  `json:"rows"`
			Quarantined int64  `json:"quarantined"`
			Files       []struct{ Old, New []string }
		} `json:"datasets"`
		Deleted struct{ Exports int } `json:"deleted"`
	} `json:"result"`
}

// done waits for a job.
func (p *process) done(t *testing.T, id string) (j jobView) {
	t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for range 3000 {
		j = jobView{}
		p.call(t, http.MethodGet, "/v1/jobs/"+id, nil, &j)
		if j.State == "done" {
			return j
		}
		if j.State == "failed" {
			t.Fatalf("the job failed: %v", j.Error)
		}
		<-look.C
	}
	t.Fatalf("the job is %s and does not end", j.State)
	return j
}

// visits are n events from a number on, every third of them of who is to be forgotten.
func visits(from, n int) (events []map[string]any) {
	for i := from; i < from+n; i++ {
		e := map[string]any{"event_id": fmt.Sprintf("v%d", i), "event": "seen", "time": time.Date(2026, 1, 1+i%3, 0, 0, i, 0, time.UTC), "user_id": fmt.Sprintf("other%d", i%7),
			"properties": map[string]any{"n": i}}
		switch i % 6 {
		case 0:
			e["user_id"], e["properties"] = forgotten, map[string]any{"n": i, "mail": forgotten}
		case 3:
			delete(e, "user_id")
			e["anonymous_id"] = forgotten
		}
		events = append(events, e)
	}
	return append(events, map[string]any{"event_id": fmt.Sprintf("bad%d", from), "user_id": forgotten}) // no name: to quarantine
}

type books struct{ Accepted, Stored, Duplicate, Quarantined, Dropped, Pending, Erased, Visible int64 }

func (p *process) books(t *testing.T, name string) (l books) {
	t.Helper()
	p.call(t, http.MethodGet, "/v1/datasets/"+name+"/ledger", nil, &l)
	if l.Accepted != l.Stored+l.Duplicate+l.Quarantined+l.Dropped+l.Pending || l.Stored != l.Visible+l.Erased {
		t.Errorf("%s does not balance: %+v", name, l)
	}
	return l
}

func (p *process) fate(t *testing.T, name, id string) string {
	t.Helper()
	var f struct{ Fate string }
	p.call(t, http.MethodGet, "/v1/datasets/"+name+"/events?id="+id, nil, &f)
	return f.Fate
}

// remember fills two datasets, in segments and in the tail, with copies, quarantine and an
// export.
func (p *process) remember(t *testing.T, data string) *process {
	t.Helper()
	for _, name := range []string{"web", "shop"} {
		p.call(t, http.MethodPost, "/v1/datasets", map[string]any{"name": name, "kind": "events"}, nil)
		p.call(t, http.MethodPost, "/v1/datasets/"+name+"/events", visits(0, 60), nil)
		p.call(t, http.MethodPost, "/v1/datasets/"+name+"/events", visits(0, 12), nil) // again
	}
	p.stop(t) // seals
	p = start(t, data)
	var export struct {
		Job string `json:"job_id"`
	}
	p.call(t, http.MethodPost, "/v1/exports", map[string]any{"dataset": "web", "format": "csv",
		"filter": map[string]any{"column": "user_id", "op": "=", "value": forgotten}}, &export)
	p.done(t, export.Job)
	p.call(t, http.MethodPost, "/v1/datasets/web/events", visits(60, 30), nil)
	return p
}

func (p *process) forget(t *testing.T) (id string) {
	t.Helper()
	var job struct {
		Job string `json:"job_id"`
	}
	if a := p.call(t, http.MethodPost, "/v1/erasures", map[string]any{"subject": forgotten}, &job); a.status != http.StatusAccepted {
		t.Errorf("accepted with %d", a.status)
	}
	return job.Job
}

func TestAnErasedSubjectIsInNoByteOfTheDataFolder(t *testing.T) {
	data := t.TempDir()
	p := start(t, data).remember(t, data)
	var held struct{ Rows int64 }
	p.call(t, http.MethodGet, "/v1/subjects/"+forgotten, nil, &held)
	if held.Rows != 50 {
		t.Errorf("%d rows are held, want 30 of web and 20 of shop", held.Rows)
	}
	if len(found(t, data)) == 0 {
		t.Fatal("the scan finds nothing before the erasure: it proves nothing after")
	}
	before := p.books(t, "web")
	j := p.done(t, p.forget(t))
	if left := found(t, data); len(left) > 0 {
		t.Errorf("found in %v", left)
	}
	if j.Result.Rows != 50 || len(j.Result.Datasets) != 2 || j.Result.Suppression == "" || j.Result.Deleted.Exports == 0 {
		t.Errorf("the certificate says %+v", j.Result)
	}
	p.call(t, http.MethodGet, "/v1/subjects/"+forgotten, nil, &held)
	after := p.books(t, "web")
	if held.Rows != 0 || after.Erased != 30 || after.Visible != before.Visible-30 || after.Pending != 0 || after.Quarantined != 0 || after.Dropped != before.Quarantined {
		t.Errorf("%d rows are held; the ledger went from %+v to %+v", held.Rows, before, after)
	}
	p.laterIsDropped(t, after)
	if got := p.fate(t, "web", "v0") + " " + p.fate(t, "web", "v1"); got != "erased stored" {
		t.Errorf("v0 and v1 are %s", got)
	}
	p.stop(t)
	p = start(t, data)
	if p.done(t, p.forget(t)); len(found(t, data)) > 0 { // what came later is in the stream until then
		t.Errorf("found in %v", found(t, data))
	}
}

// laterIsDropped sends more events of who was forgotten.
func (p *process) laterIsDropped(t *testing.T, before books) {
	t.Helper()
	a := p.call(t, http.MethodPost, "/v1/datasets/web/events", visits(600, 6), nil)
	p.call(t, http.MethodPost, "/v1/query", map[string]any{"dataset": "web", "kind": "aggregate", "measures": []string{"count"}, "wait_for": a.version}, nil)
	if after := p.books(t, "web"); after.Dropped != before.Dropped+3 || after.Visible != before.Visible+4 || after.Quarantined != 0 {
		t.Errorf("later events: the ledger went from %+v to %+v", before, after)
	}
	if got := p.fate(t, "web", "v600"); got != "dropped" {
		t.Errorf("a later event is %s", got)
	}
}

func TestAnErasureGoesOnAfterTheServerWasKilled(t *testing.T) {
	data := t.TempDir()
	p := start(t, data).remember(t, data)
	id := p.forget(t)
	p.kill(t)
	p = start(t, data)
	if j := p.done(t, id); j.Result.Rows != 50 {
		t.Errorf("%d rows were erased, want 50", j.Result.Rows)
	}
	if left := found(t, data); len(left) > 0 {
		t.Errorf("found in %v", left)
	}
}

// found lists the files of a folder with who is to be forgotten.
func found(t *testing.T, folder string) (names []string) {
	t.Helper()
	return filesWith(t, folder, forgotten)
}

// filesWith scans every byte of a folder, and every value of every Parquet file.
func filesWith(t *testing.T, folder, text string) (names []string) {
	t.Helper()
	duck, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer duck.Close()
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		holds := bytes.Contains(body, []byte(text))
		if strings.HasSuffix(path, ".parquet") && !holds {
			question := "SELECT count(*) > 0 FROM read_parquet('" + path + "') r WHERE contains(r::VARCHAR, ?)"
			if err := duck.QueryRow(question, text).Scan(&holds); err != nil {
				return err
			}
		}
		if holds {
			names = append(names, strings.TrimPrefix(path, folder))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
