package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

// TestAFullDiskStopsAcknowledgingBeforeAnythingIsLost fills the disk under a server,
// with events that are not sealed yet, and makes room again.
func TestAFullDiskStopsAcknowledgingBeforeAnythingIsLost(t *testing.T) {
	t.Parallel()
	d := &fullness{}
	dir, _ := workspace(t, foundedNow)
	w, stop := onDisk(t, dir, d)
	create(t, w, "web")
	for n := range 10 {
		acknowledged(t, w, n)
	}
	countIs(t, w, 10) // what is folded in and not sealed is what a replay has to seal first
	d.use(capacity)
	for _, r := range []route.Route{route.SendEvents, route.CreateDataset, route.CreateKey, route.ReplayQuarantine} {
		out := w.hurried(t, r)
		if out.Code != http.StatusServiceUnavailable || out.Header().Get("Retry-After") == "" {
			t.Errorf("%s on a full disk: %d %s", r.ID, out.Code, out.Body)
		}
		problemOf(t, out)
	}
	countIs(t, w, 10) // who only reads does not notice
	if f := fateOf(t, w, "web", "e3"); f != "stored" {
		t.Errorf("an event that is stored is %s on a full disk", f)
	}
	d.use(0)
	acknowledged(t, w, 10)
	accounted(t, w, "web", 11)
	stop()
	w, stop = onDisk(t, dir, d)
	defer stop()
	countIs(t, w, 11)
}

func TestAServerThatStopsOnAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it tries to seal for half a minute; to run it: go test without -short")
	}
	d := &fullness{}
	dir, _ := workspace(t, foundedNow)
	w, stop := onDisk(t, dir, d)
	create(t, w, "web")
	acknowledged(t, w, 0)
	countIs(t, w, 1) // from memory: it is not sealed
	d.use(capacity)
	stop()
	w, stop = onDisk(t, dir, d) // a full disk keeps it from nothing but taking more
	countIs(t, w, 1)
	d.use(0)
	acknowledged(t, w, 1)
	stop()
	w, stop = onDisk(t, dir, d)
	defer stop()
	countIs(t, w, 2)
}

// fullness is the space of a disk, and a clock that moves when it changes: the store
// does not ask each time.
type fullness struct {
	used  atomic.Uint64
	ahead atomic.Int64
}

const capacity = 1 << 40

func (d *fullness) use(bytes uint64) {
	d.used.Store(bytes)
	d.ahead.Add(int64(time.Second))
}

// onDisk runs a server on such a disk.
func onDisk(t *testing.T, dir string, d *fullness) (*world, func()) {
	t.Helper()
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: "http://localhost:8080", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Free: func(string) (uint64, error) { return capacity - d.used.Load(), nil }, Now: func() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	ready, err := s.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &world{Handler: s.Handler(), keys: map[access.Role]string{access.Owner: ready.APIKey}}, func() { _ = s.Close() } // cannot seal on a full disk, and says so
}

func acknowledged(t *testing.T, w *world, n int) {
	t.Helper()
	out := w.ask(http.MethodPost, "/v1/datasets/web/events", w.keys[access.Owner], fmt.Appendf(nil, `{"event":"x","event_id":"e%d"}`, n), nil)
	if out.Code != http.StatusOK {
		t.Fatalf("event %d: %d %s", n, out.Code, out.Body)
	}
}

// hurried sends a request of a route as somebody who does not wait for long.
func (w *world) hurried(t *testing.T, r route.Route) *httptest.ResponseRecorder {
	t.Helper()
	request := healthy[r.ID]
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	sent := httptest.NewRequestWithContext(ctx, r.Method, request.target, bytes.NewReader([]byte(request.body)))
	sent.Header.Set("Authorization", "Bearer "+w.keys[access.Owner])
	out := httptest.NewRecorder()
	w.ServeHTTP(out, sent)
	return out
}

// countIs waits until a query sees so many events, and checks that it never sees more.
func countIs(t *testing.T, w *world, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		out := w.ask(http.MethodPost, "/v1/query", w.keys[access.Owner], []byte(`{"dataset":"web","measures":["count",{"op":"count_distinct","column":"event_id","name":"ids"}]}`), nil)
		var n, ids int
		at := bytes.Index(out.Body.Bytes(), []byte(`"rows":`))
		if at < 0 {
			t.Fatalf("%d %s", out.Code, out.Body)
		}
		if _, err := fmt.Sscanf(out.Body.String()[at:], `"rows":[[%d,%d]]`, &n, &ids); err != nil || n != ids || n > want {
			t.Fatalf("%d rows of %d events, want %d: %v", n, ids, want, err)
		}
		if n == want {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%d events are seen, want %d", n, want)
		}
	}
}
