package queuetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/queue"
)

var messages = map[string]func(*testing.T, Fixture){
	"a message that was sent is received": func(t *testing.T, f Fixture) {
		body := "{\"a\":\"ü\"}\x00\xff\xfe\r\n<&>"
		id := send(t, f, body)
		got := receive(t, f, long)
		if got.ID != id || string(got.Body) != body || got.Tries != 1 || got.Receipt == "" {
			t.Errorf("sent %q as %s, received %+v", body, id, got)
		}
	},
	"an empty queue gives nothing": func(t *testing.T, f Fixture) {
		nothing(t, f)
		if got := take(t, f, 10, long, time.Millisecond); len(got) > 0 {
			t.Errorf("received %v", got)
		}
	},
	"a message that was acknowledged never comes back": func(t *testing.T, f Fixture) {
		send(t, f, "m")
		ack(t, f, receive(t, f, short).Receipt)
		f.pass(short + time.Second)
		nothing(t, f)
	},
	"acknowledging twice is fine": func(t *testing.T, f Fixture) {
		send(t, f, "m")
		m := receive(t, f, long)
		ack(t, f, m.Receipt)
		ack(t, f, m.Receipt)
	},
	"a waiting receiver gets the message when it is sent": func(t *testing.T, f Fixture) {
		var receiver sync.WaitGroup
		receiver.Go(func() {
			for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
				got, err := f.Queue.Receive(t.Context(), 1, long, 10*time.Second)
				if err != nil {
					t.Errorf("Receive: %v", err)
					return
				}
				if len(got) == 1 {
					return
				}
			}
			t.Error("received nothing")
		})
		send(t, f, "m")
		receiver.Wait()
	},
	"a receiver takes at most limit messages": func(t *testing.T, f Fixture) {
		for i := range 5 {
			send(t, f, fmt.Sprint(i))
		}
		if got := take(t, f, 3, long, 0); len(got) > 3 {
			t.Errorf("received %d messages, want at most 3", len(got))
		}
	},
	"every message is received, by however many receivers": func(t *testing.T, f Fixture) {
		const n = 60
		var want []string
		for i := range n {
			want = append(want, fmt.Sprintf("%02d", i))
			send(t, f, want[i])
		}
		var mu sync.Mutex
		got := map[string]bool{}
		done := func() bool { mu.Lock(); defer mu.Unlock(); return len(got) == n }
		var receivers sync.WaitGroup
		deadline := time.Now().Add(patience)
		for range 4 {
			receivers.Go(func() {
				for !done() && time.Now().Before(deadline) {
					batch, err := f.Queue.Receive(t.Context(), 10, long, 0)
					if err != nil {
						t.Errorf("Receive: %v", err)
						return
					}
					for _, m := range batch {
						if err := f.Queue.Ack(t.Context(), m.Receipt); err != nil {
							t.Errorf("Ack: %v", err)
						}
						mu.Lock()
						got[string(m.Body)] = true
						mu.Unlock()
					}
				}
			})
		}
		receivers.Wait()
		var bodies []string
		for body := range got {
			bodies = append(bodies, body)
		}
		slices.Sort(bodies)
		if diff := cmp.Diff(want, bodies); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	},
	"a body of MaxBody bytes is fine, a larger one is refused": func(t *testing.T, f Fixture) {
		body := strings.Repeat("x", queue.MaxBody)
		if id, err := f.Queue.Send(t.Context(), []byte(body+"x"), 0); !refused(err) {
			t.Errorf("Send = %s, %v, want a refusal", id, err)
		}
		send(t, f, body)
		if got := receive(t, f, long); !bytes.Equal(got.Body, []byte(body)) {
			t.Errorf("received %d bytes that differ from those sent", len(got.Body))
		}
	},
	"a delay over MaxDelay is refused": func(t *testing.T, f Fixture) {
		if id, err := f.Queue.Send(t.Context(), []byte("m"), queue.MaxDelay+time.Second); !refused(err) {
			t.Errorf("Send = %s, %v, want a refusal", id, err)
		}
	},
}

func refused(err error) bool { return fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge) }
