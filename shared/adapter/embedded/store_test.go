package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/push"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

func TestFullDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 40)
	c := &clock{}
	s := open(t, t.TempDir(), embedded.Options{Now: c.now, Free: func(string) (uint64, error) { return free.Load(), nil }})
	writes := map[string]func(id string) error{
		"table": func(id string) error {
			return s.Table().Commit(t.Context(), table.Put(table.Item{Key: table.Key{Partition: "p", Sort: id}}))
		},
		"blob": func(id string) error { return s.Blob().Put(t.Context(), id, []byte("body")) },
		"queue": func(id string) error {
			_, err := s.Queue("q", 0).Send(t.Context(), []byte(id), 0)
			return err
		},
		"stream": func(id string) error {
			_, err := s.Stream().Put(t.Context(), []stream.Entry{{Data: []byte(id)}})
			return err
		},
	}
	for port, write := range writes {
		t.Run(port+" refuses writes until there is space again", func(t *testing.T) {
			for _, step := range []struct {
				free uint64
				want error
			}{{1 << 40, nil}, {64 << 20, errFull}, {1 << 40, nil}} {
				free.Store(step.free)
				c.advance(time.Second)
				err := write(fmt.Sprintf("%s-%d", port, time.Now().UnixNano()))
				if (err == nil) != (step.want == nil) || err != nil && !fault.Is(err, fault.Unavailable) {
					t.Errorf("%d bytes free: %v, want %v", step.free, err, step.want)
				}
			}
		})
	}
	if _, err := s.Table().Get(t.Context(), table.Key{Partition: "p", Sort: "absent"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("Get on a full disk: %v", err)
	}
}

var errFull = errors.New("the disk is full")

func TestBlobFolders(t *testing.T) {
	s := open(t, t.TempDir(), embedded.Options{}).Blob()
	put := func(key string) error { return s.Put(t.Context(), key, []byte(key)) }
	t.Run("no key is the folder of another", func(t *testing.T) {
		if err := errors.Join(put("a/b/c"), put("x")); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"a", "a/b", "a/b/c/d", "x/y", "x/y/z"} {
			if err := put(key); !fault.Is(err, fault.Invalid) {
				t.Errorf("Put(%q): %v, want Invalid", key, err)
			}
		}
	})
	t.Run("a folder that nothing is left in can become a key", func(t *testing.T) {
		if err := errors.Join(put("f/g/h"), s.Delete(t.Context(), "f/g/h"), put("f")); err != nil {
			t.Error(err)
		}
	})
	t.Run("a blob is a file of the machine", func(t *testing.T) {
		key := "p/" + strings.Repeat("q", 500)
		if err := put(key); err != nil {
			t.Fatal(err)
		}
		path, err := s.Path(key)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := os.ReadFile(path); err != nil || string(body) != key {
			t.Errorf("%s holds %q, %v", path, body, err)
		}
		if _, err := s.Path("p/absent"); !fault.Is(err, fault.NotFound) {
			t.Errorf("Path of an absent blob: %v, want NotFound", err)
		}
	})
	t.Run("putting and deleting at once in one folder fails nobody", func(t *testing.T) {
		var all sync.WaitGroup
		for w := range 4 {
			all.Go(func() {
				for i := range 50 {
					key := fmt.Sprintf("shared/%d/%d-%d", i%2, w, i)
					if err := errors.Join(put(key), s.Delete(t.Context(), key)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
}

func TestUploads(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	dir := t.TempDir()
	options := embedded.Options{BaseURL: "http://" + server.Listener.Addr().String()}
	s := open(t, dir, options)
	server.Config.Handler = s.Blob()
	server.Start()
	t.Cleanup(server.Close)
	request := func(method, url, body string, header http.Header) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name := range header {
			r.Header.Set(name, header.Get(name))
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer
	}
	url, err := s.Blob().PresignPut(t.Context(), "k", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got := request(http.MethodPut, url, "0123456789", nil).StatusCode; got != http.StatusOK {
		t.Errorf("upload: %d", got)
	}
	if got := request(http.MethodPut, url, "again", nil).StatusCode; got != http.StatusConflict {
		t.Errorf("second upload: %d, want 409", got)
	}
	url, err = s.Blob().PresignGet(t.Context(), "k", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ranged := request(http.MethodGet, url, "", http.Header{"Range": {"bytes=2-4"}})
	body := make([]byte, 3)
	if _, err := ranged.Body.Read(body); ranged.StatusCode != http.StatusPartialContent || string(body) != "234" {
		t.Errorf("range: %d %q %v", ranged.StatusCode, body, err)
	}
	if got := request(http.MethodHead, url, "", nil); got.StatusCode != http.StatusOK || got.ContentLength != 10 {
		t.Errorf("HEAD: %d, %d bytes", got.StatusCode, got.ContentLength)
	}
	if got := request(http.MethodDelete, url, "", nil).StatusCode; got != http.StatusForbidden {
		t.Errorf("DELETE: %d, want 403", got)
	}
}

func TestQueueReceivers(t *testing.T) {
	s := open(t, t.TempDir(), embedded.Options{})
	q := s.Queue("jobs", 3)
	const n = 200
	for i := range n {
		if _, err := q.Send(t.Context(), fmt.Append(nil, i), 0); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				got, err := q.Receive(t.Context(), 10, time.Hour, 0)
				if err != nil {
					t.Error(err)
				}
				if len(got) == 0 {
					return
				}
				mu.Lock()
				for _, m := range got {
					seen[m.ID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for id, times := range seen {
		if times != 1 {
			t.Errorf("message %s was handed out %d times within its visibility", id, times)
		}
	}
	if len(seen) != n {
		t.Errorf("%d messages were handed out, want %d", len(seen), n)
	}
}

func TestSockets(t *testing.T) {
	s := open(t, t.TempDir(), embedded.Options{})
	messages, gone := make(chan string, 1), make(chan push.ConnectionID, 1)
	server := httptest.NewServer(s.Push().Handler(embedded.Hooks{
		Connect: func(r *http.Request, _ push.ConnectionID) error {
			if r.URL.Query().Get("token") != "good" {
				return errors.New("who are you?")
			}
			return nil
		},
		Message:    func(_ context.Context, id push.ConnectionID, m []byte) { messages <- string(id) + " " + string(m) },
		Disconnect: func(id push.ConnectionID) { gone <- id },
	}))
	t.Cleanup(server.Close)
	url := "ws" + strings.TrimPrefix(server.URL, "http")
	if _, answer, err := websocket.Dial(t.Context(), url, nil); err == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("Dial without a token: %v, want 403", err)
	}
	socket, _, err := websocket.Dial(t.Context(), url+"?token=good", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	id, text, _ := strings.Cut(<-messages, " ")
	if text != "hello" {
		t.Errorf("Message got %q", text)
	}
	if err := socket.CloseNow(); err != nil {
		t.Fatal(err)
	}
	if got := <-gone; string(got) != id {
		t.Errorf("Disconnect got %q, Message came from %q", got, id)
	}
}

func TestSlowClient(t *testing.T) {
	s := open(t, t.TempDir(), embedded.Options{})
	server := httptest.NewServer(s.Push().Handler(embedded.Hooks{Connect: func(_ *http.Request, id push.ConnectionID) error {
		ids <- id
		return nil
	}}))
	t.Cleanup(server.Close)
	slow := connect(t, s, server.URL)
	for range 10_000 {
		if err := s.Push().Send(t.Context(), slow.ID(), make([]byte, push.MaxMessage)); fault.Is(err, fault.NotFound) {
			return
		}
	}
	t.Error("a client that does not read is never given up")
}

func TestWhoHasMadeAChangeFindsItCounted(t *testing.T) {
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 50 {
				before := s.Changes()
				key := table.Key{Partition: "p", Sort: fmt.Sprint(i, "-", n)}
				if err := s.Table().Commit(t.Context(), table.Put(table.Item{Key: key})); err != nil {
					t.Error(err)
				}
				if s.Changes() == before {
					t.Error("a change was made, and none is counted")
				}
			}
		})
	}
	all.Wait()
	settled := s.Changes()
	if _, err := s.Table().List(t.Context(), table.Query{Partition: "p"}); err != nil || s.Changes() != settled {
		t.Errorf("after reading: %d changes, %v; before it %d", s.Changes(), err, settled)
	}
}
