package oracle

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/tarnhq/tarn/shared/push"
)

// WebSockets speaks the management API of an API Gateway WebSocket stage: the
// documented status codes, for requests whose signature is right. Its connections
// end in this process.
type WebSockets struct {
	URL    string     // the stage's management endpoint
	Config sdk.Config // credentials that it accepts

	mu   sync.Mutex
	open map[push.ConnectionID]*Connection
}

// largest is the size limit of API Gateway for one message, in bytes.
const largest = 128 << 10

// StartWebSockets starts a stage that ends with the test.
func StartWebSockets(t testing.TB) *WebSockets {
	w := &WebSockets{Config: emulated(), open: map[push.ConnectionID]*Connection{}}
	const path = "/prod/@connections/{id}"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, w.send)
	mux.HandleFunc("GET "+path, w.describe)
	mux.HandleFunc("DELETE "+path, w.disconnect)
	server := httptest.NewServer(signed(mux))
	t.Cleanup(server.Close)
	w.URL = server.URL + "/prod"
	return w
}

// Connect opens a connection.
func (w *WebSockets) Connect() *Connection {
	var id [11]byte // makes ids of API Gateway's form
	_, _ = rand.Read(id[:])
	c := &Connection{
		id: push.ConnectionID(base64.URLEncoding.EncodeToString(id[:])), stage: w,
		messages: make(chan []byte, 1024), closed: make(chan struct{}),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[c.id] = c
	return c
}

func (w *WebSockets) find(r *http.Request) *Connection {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open[push.ConnectionID(r.PathValue("id"))]
}

func (w *WebSockets) send(answer http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(r.Body)
	if err != nil {
		answer.WriteHeader(http.StatusInternalServerError)
		return
	}
	if len(message) > largest {
		answer.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	c := w.find(r)
	if c == nil {
		answer.WriteHeader(http.StatusGone)
		return
	}
	select {
	case c.messages <- message:
	default:
		answer.WriteHeader(http.StatusTooManyRequests)
	}
}

func (w *WebSockets) describe(answer http.ResponseWriter, r *http.Request) {
	if w.find(r) == nil {
		answer.WriteHeader(http.StatusGone)
		return
	}
	_, _ = io.WriteString(answer, `{"connectedAt":"2026-01-02T03:04:05Z"}`)
}

func (w *WebSockets) disconnect(answer http.ResponseWriter, r *http.Request) {
	c := w.find(r)
	if c == nil {
		answer.WriteHeader(http.StatusGone)
		return
	}
	_ = c.Close()
	answer.WriteHeader(http.StatusNoContent)
}

// Connection is the client's end of a connection.
type Connection struct {
	id       push.ConnectionID
	stage    *WebSockets
	messages chan []byte
	closed   chan struct{}
	once     sync.Once
}

// ID is what API Gateway calls the connection.
func (c *Connection) ID() push.ConnectionID { return c.id }

// Receive returns the next message; it fails once the connection is closed.
func (c *Connection) Receive(ctx context.Context) ([]byte, error) {
	select {
	case message := <-c.messages:
		return message, nil
	case <-c.closed:
		return nil, errors.New("the connection is closed")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends the connection; closing it again is fine.
func (c *Connection) Close() error {
	c.once.Do(func() {
		c.stage.mu.Lock()
		defer c.stage.mu.Unlock()
		delete(c.stage.open, c.id)
		close(c.closed)
	})
	return nil
}
