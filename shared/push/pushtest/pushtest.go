// Package pushtest holds the promises that every push.Push keeps.
package pushtest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/push"
)

// Fixture is a push service under test.
type Fixture struct {
	Push push.Push

	// Connect opens a connection, which is known to the service when it returns.
	Connect func(*testing.T) Client
}

// Client is the far end of a connection.
type Client interface {
	ID() push.ConnectionID
	// Receive returns the next message; it fails once the connection is closed.
	Receive(ctx context.Context) ([]byte, error)
	Close() error
}

// patience bounds the wait for what a service does in its own time.
const patience = 30 * time.Second

// Run tests the service that open returns. It calls open once for each test.
func Run(t *testing.T, open func(*testing.T) Fixture) {
	for claim, test := range claims {
		t.Run(claim, func(t *testing.T) { test(t, open(t)) })
	}
}

var claims = map[string]func(*testing.T, Fixture){
	"a message reaches its connection and no other": func(t *testing.T, f Fixture) {
		a, b := f.Connect(t), f.Connect(t)
		if a.ID() == b.ID() || a.ID() == "" {
			t.Fatalf("connections %q and %q", a.ID(), b.ID())
		}
		send(t, f, a, "for a")
		send(t, f, b, "for b")
		expect(t, a, "for a")
		expect(t, b, "for b")
	},
	"messages arrive in the order in which they were sent": func(t *testing.T, f Fixture) {
		c := f.Connect(t)
		var reader sync.WaitGroup
		reader.Go(func() {
			for i := range 50 {
				expect(t, c, fmt.Sprint(i))
			}
		})
		for i := range 50 {
			send(t, f, c, fmt.Sprint(i))
		}
		reader.Wait()
	},
	"a message of MaxMessage bytes arrives, a larger one is refused": func(t *testing.T, f Fixture) {
		c := f.Connect(t)
		err := f.Push.Send(t.Context(), c.ID(), bytes.Repeat([]byte("x"), push.MaxMessage+1))
		if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Errorf("Send: %v, want a refusal", err)
		}
		most := string(bytes.Repeat([]byte("y"), push.MaxMessage))
		send(t, f, c, most)
		expect(t, c, most)
	},
	"sending to a connection that there never was is NotFound": func(t *testing.T, f Fixture) {
		if err := f.Push.Send(t.Context(), nobody, []byte("m")); !fault.Is(err, fault.NotFound) {
			t.Errorf("Send: %v, want NotFound", err)
		}
		connected(t, f, nobody, false)
	},
	"sending to a client that left is NotFound": func(t *testing.T, f Fixture) {
		c := f.Connect(t)
		connected(t, f, c.ID(), true)
		if err := c.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		gone(t, f, c.ID())
	},
	"a disconnected client is gone, and notices": func(t *testing.T, f Fixture) {
		c, other := f.Connect(t), f.Connect(t)
		disconnect(t, f, c.ID())
		if m, err := receive(t, c); err == nil {
			t.Errorf("received %q, want an error", m)
		}
		gone(t, f, c.ID())
		connected(t, f, other.ID(), true)
	},
	"disconnecting an absent connection is fine": func(t *testing.T, f Fixture) {
		disconnect(t, f, nobody)
		c := f.Connect(t)
		disconnect(t, f, c.ID())
		disconnect(t, f, c.ID())
	},
}

// nobody has the form of an id that API Gateway gives.
const nobody = push.ConnectionID("AAAAAAAAAAAAAAA=")

func send(t *testing.T, f Fixture, c Client, message string) {
	t.Helper()
	if err := f.Push.Send(t.Context(), c.ID(), []byte(message)); err != nil {
		t.Errorf("Send: %v", err)
	}
}

func receive(t *testing.T, c Client) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return c.Receive(ctx)
}

func expect(t *testing.T, c Client, want string) {
	t.Helper()
	got, err := receive(t, c)
	if err != nil || string(got) != want {
		t.Errorf("received %.40q, %v, want %.40q", got, err, want)
	}
}

func connected(t *testing.T, f Fixture, id push.ConnectionID, want bool) {
	t.Helper()
	if got, err := f.Push.Connected(t.Context(), id); got != want || err != nil {
		t.Errorf("Connected(%s) = %v, %v, want %v", id, got, err, want)
	}
}

func disconnect(t *testing.T, f Fixture, id push.ConnectionID) {
	t.Helper()
	if err := f.Push.Disconnect(t.Context(), id); err != nil {
		t.Errorf("Disconnect: %v", err)
	}
}

// gone waits until the service knows that a connection has ended.
func gone(t *testing.T, f Fixture, id push.ConnectionID) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if up, err := f.Push.Connected(t.Context(), id); err == nil && !up {
			if err := f.Push.Send(t.Context(), id, []byte("m")); !fault.Is(err, fault.NotFound) {
				t.Errorf("Send: %v, want NotFound", err)
			}
			return
		}
	}
	t.Errorf("connection %s is still there", id)
}
