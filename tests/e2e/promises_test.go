package e2e

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestFreshness asks right after each answer, without saying what to wait for.
func TestFreshness(t *testing.T) {
	const events, within = 50, 100 * time.Millisecond
	c := start(t, t.TempDir()).client
	c.create(t, "web")
	late := 0
	for n := range events {
		c.send(t, "web", map[string]any{"event": "x", "event_id": fmt.Sprint("e", n)})
		answered := time.Now()
		for c.count(t, "web", "") != n+1 {
			if time.Since(answered) > 10*time.Second {
				t.Fatalf("event %d is not seen", n)
			}
		}
		if took := time.Since(answered); took > within {
			late++
			t.Logf("event %d was seen %v after its answer", n, took)
		}
	}
	if late > events/10 { // another program may have had the processor
		t.Errorf("%d of %d events were seen later than %v after their answers", late, events, within)
	}
}

// count asks how many rows there are, at a version if one is given.
func (c client) count(t *testing.T, dataset, version string) int {
	t.Helper()
	rows := c.rows(t, map[string]any{"dataset": dataset, "measures": []any{"count"}, "wait_for": version})
	var n int
	if _, err := fmt.Sscan(fmt.Sprint(rows[0][0]), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhoWaitsForTheirOwnWriteSeesIt(t *testing.T) {
	c := start(t, t.TempDir()).client
	c.create(t, "web")
	for n := range 100 {
		id := fmt.Sprint("e", n)
		version := c.send(t, "web", map[string]any{"event": "x", "event_id": id})
		if n%2 == 0 {
			if f := c.fate(t, "web", id); f.Fate != "stored" && f.Fate != "pending" {
				t.Errorf("event %s was just acknowledged and is %+v", id, f)
			}
		}
		if got := c.count(t, "web", version); got != n+1 {
			t.Errorf("after event %d there are %d", n, got)
		}
	}
}

// TestALargeBatchIsAnsweredEventByEvent sends as much as a request may hold.
func TestALargeBatchIsAnsweredEventByEvent(t *testing.T) {
	c := start(t, t.TempDir()).client
	c.create(t, "web")
	const events = 50_000
	batch := make([]map[string]any, events)
	for i := range batch {
		batch[i] = map[string]any{"event": "x", "event_id": fmt.Sprint("e", i), "properties": map[string]any{"n": i, "kind": i % 10}}
		if i%1000 == 999 {
			batch[i] = map[string]any{"event_id": fmt.Sprint("e", i)} // has no name
		}
	}
	var answer struct {
		Accepted int `json:"accepted"`
		Events   []struct {
			EventID string `json:"event_id"`
			Fate    string `json:"fate"`
		} `json:"events"`
	}
	version := c.call(t, http.MethodPost, "/v1/datasets/web/events", batch, &answer).version
	if answer.Accepted != events || len(answer.Events) != events {
		t.Fatalf("%d accepted, %d answered", answer.Accepted, len(answer.Events))
	}
	for i, e := range answer.Events {
		want := "accepted"
		if i%1000 == 999 {
			want = "quarantined"
		}
		if e.EventID != fmt.Sprint("e", i) || e.Fate != want {
			t.Fatalf("event %d is answered with %+v", i, e)
		}
	}
	if got := c.count(t, "web", version); got != events-events/1000 {
		t.Errorf("%d rows", got)
	}
}

// TestADatasetDeletedUnderItsSenders deletes and creates a dataset while events
// arrive: senders are told, nothing breaks, and no event of the old one is seen in
// the new one.
func TestADatasetDeletedUnderItsSenders(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	p.create(t, "other")
	stop := make(chan struct{})
	var all sync.WaitGroup
	var acknowledged atomic.Int64 // of other
	for i := range 4 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				for dataset, ok := range map[string][]int{"web": {200, 404}, "other": {200}} {
					a, err := p.do(t.Context(), http.MethodPost, "/v1/datasets/"+dataset+"/events", nil, fmt.Appendf(nil, `{"event":"x","event_id":"%d-%d"}`, i, n))
					if err != nil || a.status != ok[0] && a.status != ok[len(ok)-1] {
						t.Errorf("%s: %v %d %s", dataset, err, a.status, a.body)
						return
					}
					if dataset == "other" {
						acknowledged.Add(1)
					}
				}
			}
		})
	}
	for range 30 {
		p.create(t, "web")
		p.count(t, "web", "")
		p.call(t, http.MethodPost, "/v1/datasets/other/quarantine/replay", nil, nil) // seals
		p.call(t, http.MethodDelete, "/v1/datasets/web", nil, nil)
		if a, err := p.do(t.Context(), http.MethodGet, "/v1/datasets/web/ledger", nil, nil); err != nil || a.status != http.StatusNotFound {
			t.Errorf("a deleted dataset has a ledger: %v %d", err, a.status)
		}
	}
	close(stop)
	all.Wait()
	l := p.settled(t, "other", acknowledged.Load())
	p.kill(t) // what is on the stream of deleted datasets is passed over
	p = start(t, data)
	if again := p.settled(t, "other", l.Accepted); again.Visible != l.Visible {
		t.Errorf("before the restart %+v, after it %+v", l, again)
	}
	p.create(t, "web")
	if n := p.count(t, "web", ""); n != 0 {
		t.Errorf("a new dataset has %d rows of an old one", n)
	}
	version := p.send(t, "web", map[string]any{"event": "x"})
	if n := p.count(t, "web", version); n != 1 {
		t.Errorf("it has %d rows after one event", n)
	}
}

// TestANameThatIsUsedAgainTakesEventsAtOnce deletes and makes a dataset without a
// pause: what is sent to the new one is not taken for the old one.
func TestANameThatIsUsedAgainTakesEventsAtOnce(t *testing.T) {
	c := start(t, t.TempDir()).client
	for n := range 10 {
		c.create(t, "web")
		version := c.send(t, "web", map[string]any{"event": "x", "event_id": fmt.Sprint("e", n)})
		if got := c.count(t, "web", version); got != 1 {
			t.Errorf("dataset %d has %d rows after one event", n, got)
		}
		c.call(t, http.MethodDelete, "/v1/datasets/web", nil, nil)
	}
}

func TestOfManyWhoCreateADatasetOneDoes(t *testing.T) {
	c := start(t, t.TempDir()).client
	statuses := make([]int, 20)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() {
			a, err := c.do(t.Context(), http.MethodPost, "/v1/datasets", nil, []byte(`{"name":"web","kind":"events"}`))
			if err != nil {
				t.Error(err)
			}
			statuses[i] = a.status
		})
	}
	all.Wait()
	made := 0
	for _, status := range statuses {
		if status == http.StatusCreated {
			made++
		} else if status != http.StatusConflict {
			t.Errorf("status %d", status)
		}
	}
	if made != 1 {
		t.Errorf("%d datasets of one name were made", made)
	}
}

// TestTheStreamDoesNotGrowForEver sends more than a file of the event log holds, in
// several runs. What is sealed leaves the stream.
func TestTheStreamDoesNotGrowForEver(t *testing.T) {
	data := t.TempDir()
	var text [400]byte
	for i := range text {
		text[i] = 'a' + byte(i*i%26)
	}
	for run := range 3 {
		p := start(t, data)
		if run == 0 {
			p.create(t, "web")
		}
		for n := range 40 {
			batch := make([]map[string]any, 1000)
			for i := range batch {
				batch[i] = map[string]any{"event": "x", "event_id": fmt.Sprintf("%d-%d-%d", run, n, i), "properties": map[string]any{"text": string(text[:200+i%200]), "n": i}}
			}
			p.send(t, "web", batch)
		}
		p.stop(t) // seals
		if size := sizeOf(t, filepath.Join(data, "stream")); size > 4<<20 {
			t.Errorf("after run %d the stream has %d bytes, and everything is sealed", run+1, size)
		}
	}
	if n := start(t, data).count(t, "web", ""); n != 120_000 {
		t.Errorf("%d rows", n)
	}
}

func sizeOf(t *testing.T, folder string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && !entry.IsDir() {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}
