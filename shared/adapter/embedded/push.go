package embedded

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/push"
)

// Sockets is a push.Push over the WebSocket connections of this process.
type Sockets struct {
	mu          sync.Mutex
	connections map[push.ConnectionID]*connection
}

// Hooks are told what happens to connections, as API Gateway tells its routes
// $connect, $default and $disconnect. Each may be nil.
type Hooks struct {
	// Connect may refuse a connection; the error's text is not shown.
	Connect func(r *http.Request, id push.ConnectionID) error
	// Message gets what the client sends; its messages come one at a time.
	Message func(ctx context.Context, id push.ConnectionID, message []byte)
	// Disconnect is called once for each connection that Connect let in.
	Disconnect func(id push.ConnectionID)
}

// waiting is how many messages a connection that does not read fast enough may
// have before it. One more ends it: its neighbours must not wait for it.
const waiting = 64

type connection struct {
	socket   *websocket.Conn
	messages chan []byte
	cancel   context.CancelFunc
}

// Handler accepts WebSocket connections and serves each until it ends.
func (s *Sockets) Handler(hooks Hooks) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := push.ConnectionID(rand.Text())
		if hooks.Connect != nil {
			if err := hooks.Connect(r, id); err != nil {
				http.Error(w, "the connection is refused", http.StatusForbidden)
				return
			}
		}
		if hooks.Disconnect != nil {
			defer hooks.Disconnect(id)
		}
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // Accept has answered
		}
		socket.SetReadLimit(push.MaxMessage)
		s.serve(r.Context(), id, socket, hooks)
	})
}

// serve reads from a connection, while another goroutine writes to it.
func (s *Sockets) serve(ctx context.Context, id push.ConnectionID, socket *websocket.Conn, hooks Hooks) {
	ctx, cancel := context.WithCancel(ctx)
	c := &connection{socket: socket, messages: make(chan []byte, waiting), cancel: cancel}
	s.add(id, c)
	var writer sync.WaitGroup
	writer.Go(func() { c.write(ctx) })
	defer writer.Wait()
	defer cancel()
	defer s.remove(id)
	for {
		_, message, err := socket.Read(ctx)
		if err != nil {
			return
		}
		if hooks.Message != nil {
			hooks.Message(ctx, id, message)
		}
	}
}

func (c *connection) write(ctx context.Context) {
	defer c.cancel()
	for {
		select {
		case m := <-c.messages:
			if c.socket.Write(ctx, websocket.MessageText, m) != nil {
				return
			}
		case <-ctx.Done():
			_ = c.socket.CloseNow()
			return
		}
	}
}

func (s *Sockets) add(id push.ConnectionID, c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connections == nil {
		s.connections = map[push.ConnectionID]*connection{}
	}
	s.connections[id] = c
}

// remove returns the connection that it removed; nil: there was none.
func (s *Sockets) remove(id push.ConnectionID) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.connections[id]
	delete(s.connections, id)
	return c
}

// Send queues a message for a connection, in order. A connection that has too many
// of them before it is ended.
func (s *Sockets) Send(ctx context.Context, id push.ConnectionID, message []byte) error {
	if len(message) > push.MaxMessage {
		return fault.New(fault.Invalid, "message_too_large", "a message of %d bytes is larger than %d", len(message), push.MaxMessage)
	}
	message = append([]byte(nil), message...)
	s.mu.Lock()
	c := s.connections[id]
	queued := false
	if c != nil {
		select {
		case c.messages <- message:
			queued = true
		default:
		}
	}
	s.mu.Unlock()
	if queued {
		return nil
	}
	if err := s.Disconnect(ctx, id); err != nil {
		return err
	}
	return fault.New(fault.NotFound, "connection_not_found", "connection %q has gone", id)
}

// Connected reports whether a connection is open.
func (s *Sockets) Connected(_ context.Context, id push.ConnectionID) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections[id] != nil, nil
}

// Disconnect closes a connection; an absent one is fine.
func (s *Sockets) Disconnect(_ context.Context, id push.ConnectionID) error {
	if c := s.remove(id); c != nil {
		c.cancel()
	}
	return nil
}

// close ends all connections.
func (s *Sockets) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, c := range s.connections {
		c.cancel()
		delete(s.connections, id)
	}
}

var _ push.Push = (*Sockets)(nil)
