package embedded_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/blob/blobtest"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/push"
	"github.com/tarnhq/tarn/shared/push/pushtest"
	"github.com/tarnhq/tarn/shared/queue/queuetest"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/secret/secrettest"
	"github.com/tarnhq/tarn/shared/stream/streamtest"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/table/tabletest"
)

func open(t testing.TB, dir string, options embedded.Options) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(dir, options)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// clock is a clock that tests move.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

func TestTable(t *testing.T) {
	s := open(t, t.TempDir(), embedded.Options{})
	tabletest.Run(t, func(*testing.T) table.Table { return s.Table() })
}

func TestQueue(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Fixture {
		c := &clock{}
		s := open(t, t.TempDir(), embedded.Options{Now: c.now})
		return queuetest.Fixture{Queue: s.Queue("jobs", 3), Tries: 3, Advance: c.advance}
	})
}

func TestBlob(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Fixture {
		c := &clock{}
		server := httptest.NewUnstartedServer(nil)
		s := open(t, t.TempDir(), embedded.Options{Now: c.now, BaseURL: "http://" + server.Listener.Addr().String()})
		server.Config.Handler = s.Blob()
		server.Start()
		t.Cleanup(server.Close)
		return blobtest.Fixture{Store: s.Blob(), Advance: c.advance}
	})
}

func TestStream(t *testing.T) {
	streamtest.Run(t, func(t *testing.T) streamtest.Fixture {
		l := open(t, t.TempDir(), embedded.Options{}).Stream()
		return streamtest.Fixture{Stream: l, Split: l.Split, Merge: l.Merge}
	})
}

func TestPush(t *testing.T) {
	pushtest.Run(t, func(t *testing.T) pushtest.Fixture {
		s := open(t, t.TempDir(), embedded.Options{})
		server := httptest.NewServer(s.Push().Handler(embedded.Hooks{Connect: func(r *http.Request, id push.ConnectionID) error {
			ids <- id
			return nil
		}}))
		t.Cleanup(server.Close)
		return pushtest.Fixture{Push: s.Push(), Connect: func(t *testing.T) pushtest.Client { return connect(t, s, server.URL) }}
	})
}

// ids hands the id of a connection that is being opened to the test that opens it.
var ids = make(chan push.ConnectionID, 1)

type client struct {
	id     push.ConnectionID
	socket *websocket.Conn
}

func connect(t *testing.T, s *embedded.Store, url string) pushtest.Client {
	socket, answer, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatalf("Dial: %v (%v)", err, answer)
	}
	socket.SetReadLimit(push.MaxMessage)
	t.Cleanup(func() { _ = socket.CloseNow() })
	c := client{<-ids, socket}
	for {
		if up, err := s.Push().Connected(t.Context(), c.id); up || err != nil {
			return c
		}
	}
}

func (c client) ID() push.ConnectionID { return c.id }

func (c client) Receive(ctx context.Context) ([]byte, error) {
	_, m, err := c.socket.Read(ctx)
	return m, err
}

func (c client) Close() error { return c.socket.CloseNow() }

func TestOpen(t *testing.T) {
	t.Run("a folder has one user at a time", func(t *testing.T) {
		dir := t.TempDir()
		open(t, dir, embedded.Options{})
		_, err := embedded.Open(dir, embedded.Options{})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "in use by process") {
			t.Errorf("second Open: %v, want Conflict", err)
		}
	})
	t.Run("a folder that was closed can be opened again", func(t *testing.T) {
		dir := t.TempDir()
		for range 3 {
			s, err := embedded.Open(dir, embedded.Options{})
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		}
	})
}

func TestSecrets(t *testing.T) {
	s := open(t, t.TempDir(), embedded.Options{})
	secrettest.Run(t, func(*testing.T) secret.Store { return s.Secrets() })
}
