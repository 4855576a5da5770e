package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/access"
)

const expiring = "expiring-9f04c2" // a value that nothing else has

// aging is a server whose clock can be set ahead, and that compacts and sweeps all the
// time.
type aging struct {
	*world
	t     *testing.T
	dir   string
	begun time.Time
	ahead atomic.Int64
	runs  chan string // what it ran
}

func (w *aging) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// Write takes the log: one line for each run.
func (w *aging) Write(line []byte) (int, error) {
	select {
	case w.runs <- string(line):
	default: // nobody waits for it
	}
	return len(line), nil
}

func newAging(t *testing.T) *aging {
	dir, keys := workspace(t, foundedNow)
	w := &aging{world: &world{keys: keys}, t: t, dir: dir, begun: time.Now().UTC(), runs: make(chan string)}
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: "http://localhost:8080", Log: slog.New(slog.NewTextHandler(w, nil)), Program: thisProgram(t),
		Now: w.now, CompactEvery: 5 * time.Millisecond, SweepEvery: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Handler = s.Handler()
	return w
}

// until waits while the server runs again and again.
func (w *aging) until(what string, reached func() bool) {
	w.t.Helper()
	for runs := 0; !reached(); runs++ {
		if runs > 2000 {
			w.t.Fatalf("never: %s", what)
		}
		<-w.runs
	}
}

// tell sends a request as the owner, and reads the answer.
func (w *aging) tell(status int, method, target, body string, into any) {
	w.t.Helper()
	out := w.ask(method, target, w.keys[access.Owner], []byte(body), http.Header{"Content-Type": {"application/json"}})
	if out.Code != status {
		w.t.Fatalf("%s %s: %d %s", method, target, out.Code, out.Body)
	}
	if into != nil {
		if err := json.Unmarshal(out.Body.Bytes(), into); err != nil {
			w.t.Fatal(err)
		}
	}
}

// event is one whose time is some days before the server began.
func (w *aging) event(id string, days int) string {
	return fmt.Sprintf(`{"event_id": %q, "event": "seen", "time": %q, "user_id": %q}`, id, w.begun.AddDate(0, 0, -days).Format(time.RFC3339), expiring)
}

type account struct{ Accepted, Stored, Duplicate, Quarantined, Dropped, Pending, Erased, Expired, Visible int64 }

func (w *aging) books() (a account) {
	w.t.Helper()
	w.tell(http.StatusOK, http.MethodGet, "/v1/datasets/web/ledger", "", &a)
	if a.Accepted != a.Stored+a.Duplicate+a.Quarantined+a.Dropped+a.Pending || a.Stored != a.Visible+a.Erased {
		w.t.Errorf("the ledger does not balance: %+v", a)
	}
	return a
}

// people asks how many users there are, which is kept for who asks again.
func (w *aging) people() (n float64) {
	w.t.Helper()
	var answer struct{ Rows [][]float64 }
	w.tell(http.StatusOK, http.MethodPost, "/v1/query", `{"dataset": "web", "measures": ["count", {"name": "users", "op": "count_distinct", "column": "user_id"}]}`, &answer)
	if len(answer.Rows) == 0 {
		return 0
	}
	return answer.Rows[0][0]
}

// held lists the files of datasets that have the value.
func (w *aging) held() (files []string) {
	w.t.Helper()
	err := filepath.WalkDir(filepath.Join(w.dir, "blobs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		body, err := os.ReadFile(path)
		if bytes.Contains(body, []byte(expiring)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) { // a file may be deleted meanwhile
		w.t.Fatal(err)
	}
	return files
}

func TestWhatIsOlderThanADatasetKeepsItIsInNoAnswerAndThenInNoFile(t *testing.T) {
	w := newAging(t)
	w.tell(http.StatusCreated, http.MethodPost, "/v1/datasets", `{"name": "web", "kind": "events"}`, nil)
	w.tell(http.StatusOK, http.MethodPost, "/v1/datasets/web/events", fmt.Sprintf("[%s, %s, %s, %s, %s]",
		w.event("a", 20), w.event("b", 9), w.event("b", 9), w.event("c", 0), `{"event_id": "nameless", "user_id": "`+expiring+`"}`), nil)
	w.until("all is folded", func() bool {
		return w.books() == account{Accepted: 5, Stored: 3, Duplicate: 1, Quarantined: 1, Visible: 3}
	})
	w.ahead.Store(int64(10 * time.Minute)) // the tail is sealed
	w.until("there are files", func() bool { return len(w.held()) > 0 })

	w.tell(http.StatusOK, http.MethodPatch, "/v1/datasets/web", `{"settings": {"retention_days": 10}}`, nil)
	w.until("what was too old is gone", func() bool { return w.books().Expired == 1 })
	if got := w.people(); got != 2 {
		t.Errorf("%v rows are counted, want 2", got)
	}
	w.until("the setting is known where events are folded", func() bool {
		w.tell(http.StatusOK, http.MethodPost, "/v1/datasets/web/events", w.event("probe", 30), nil)
		return w.books().Dropped > 0
	})
	w.tell(http.StatusOK, http.MethodPost, "/v1/datasets/web/events", w.event("late", 30), nil)
	var fate struct{ Fate string }
	w.until("an event that comes too late is dropped", func() bool {
		w.tell(http.StatusOK, http.MethodGet, "/v1/datasets/web/events?id=late", "", &fate)
		return fate.Fate == "dropped"
	})
	w.tell(http.StatusNotFound, http.MethodGet, "/v1/datasets/web/events?id=a", "", nil)

	w.ahead.Store(int64(20 * 24 * time.Hour))
	w.until("everything is gone", func() bool { b := w.books(); return b.Visible == 0 && b.Quarantined == 0 && b.Pending == 0 })
	if got := w.people(); got != 0 {
		t.Errorf("%v rows are counted, want none", got)
	}
	w.ahead.Add(int64(3 * time.Hour)) // nobody reads an old version any more
	w.until("no file has it", func() bool { return len(w.held()) == 0 })
}

func TestRetentionIsOfEventsAndASensibleNumberOfDays(t *testing.T) {
	w := newWorld(t)
	key := w.keys[access.Owner]
	if out := w.ask(http.MethodPost, "/v1/datasets", key, []byte(`{"name": "web", "kind": "events", "settings": {"retention_days": 30, "description": "clicks"}}`), nil); out.Code != http.StatusCreated {
		t.Fatal(out.Body)
	}
	days := func() any {
		var d struct{ Settings map[string]any }
		if err := json.Unmarshal(w.ask(http.MethodGet, "/v1/datasets/web", key, nil, nil).Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		return d.Settings["retention_days"]
	}
	for _, step := range []struct {
		body   string
		status int
		want   any
	}{
		{`{"settings": {"description": "visits"}}`, http.StatusOK, 30.0},
		{`{"settings": {"retention_days": -1}}`, http.StatusBadRequest, 30.0},
		{`{"settings": {"retention_days": 36526}}`, http.StatusBadRequest, 30.0},
		{`{"settings": {"retention_days": 1.5}}`, http.StatusBadRequest, 30.0},
		{`{"settings": {"retention_days": 7}}`, http.StatusOK, 7.0},
		{`{"settings": {"retention_days": 0}}`, http.StatusOK, nil},
	} {
		if out := w.ask(http.MethodPatch, "/v1/datasets/web", key, []byte(step.body), nil); out.Code != step.status {
			t.Errorf("%s: %d %s", step.body, out.Code, out.Body)
		}
		if got := days(); got != step.want {
			t.Errorf("after %s events are kept for %v days, want %v", step.body, got, step.want)
		}
	}
	out := w.ask(http.MethodPost, "/v1/datasets", key, []byte(`{"name": "prices", "kind": "table", "settings": {"retention_days": 30}}`), nil)
	if p := problemOf(t, out); p.Code != "not_an_events_dataset" {
		t.Errorf("a table: %+v", p)
	}
}
