package queuetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/queue"
)

var times = map[string]func(*testing.T, Fixture){
	"a delayed message is not received before its time": func(t *testing.T, f Fixture) {
		if _, err := f.Queue.Send(t.Context(), []byte("m"), short); err != nil {
			t.Fatalf("Send: %v", err)
		}
		nothing(t, f)
		f.pass(short)
		if got := receive(t, f, long); string(got.Body) != "m" || got.Tries != 1 {
			t.Errorf("received %+v", got)
		}
	},
	"a received message is hidden, then comes back": func(t *testing.T, f Fixture) {
		id := send(t, f, "m")
		first := receive(t, f, short)
		nothing(t, f)
		f.pass(short)
		second := receive(t, f, long)
		if second.ID != id || string(second.Body) != "m" || second.Tries != 2 || second.Receipt == first.Receipt {
			t.Errorf("received %+v, then %+v", first, second)
		}
	},
	"a receipt that has been superseded is fine": func(t *testing.T, f Fixture) {
		send(t, f, "m")
		first := receive(t, f, short)
		f.pass(short)
		second := receive(t, f, short)
		ack(t, f, first.Receipt)
		ack(t, f, second.Receipt)
		f.pass(short + time.Second)
		nothing(t, f)
	},
	"extending hides a message from now on": func(t *testing.T, f Fixture) {
		send(t, f, "m")
		m := receive(t, f, short)
		extend(t, f, m.Receipt, 3*short)
		f.pass(short + time.Second)
		nothing(t, f)
		f.pass(2 * short)
		if got := receive(t, f, long); got.Tries != 2 {
			t.Errorf("tries = %d, want 2", got.Tries)
		}
	},
	"extending by nothing releases a message at once": func(t *testing.T, f Fixture) {
		send(t, f, "m")
		extend(t, f, receive(t, f, long).Receipt, 0)
		if got := receive(t, f, long); string(got.Body) != "m" || got.Tries != 2 {
			t.Errorf("received %+v", got)
		}
	},
	"a receipt still removes its message after an extension": func(t *testing.T, f Fixture) {
		send(t, f, "m")
		m := receive(t, f, short)
		extend(t, f, m.Receipt, 2*short)
		ack(t, f, m.Receipt)
		f.pass(2*short + time.Second)
		nothing(t, f)
	},
}

var failures = map[string]func(*testing.T, Fixture){
	"a message that was received too often has failed": func(t *testing.T, f Fixture) {
		fail(t, f, "poison")
		nothing(t, f)
		if diff := cmp.Diff([]string{"poison"}, failed(t, f, 1)); diff != "" {
			t.Errorf("failed (-want +got):\n%s", diff)
		}
	},
	"a queue where nothing failed lists nothing and redrives nothing": func(t *testing.T, f Fixture) {
		send(t, f, "m")
		receive(t, f, long)
		if got := list(t, f, 10); len(got) > 0 {
			t.Errorf("failed: %v", got)
		}
		if n, err := f.Queue.Redrive(t.Context()); n != 0 || err != nil {
			t.Errorf("Redrive = %d, %v, want 0", n, err)
		}
	},
	"listing the failed messages leaves them there": func(t *testing.T, f Fixture) {
		fail(t, f, "poison")
		failed(t, f, 1)
		if diff := cmp.Diff([]string{"poison"}, failed(t, f, 1)); diff != "" {
			t.Errorf("failed, listed again (-want +got):\n%s", diff)
		}
	},
	"a list of failed messages is at most limit long": func(t *testing.T, f Fixture) {
		fail(t, f, "a")
		fail(t, f, "b")
		failed(t, f, 2)
		if got := list(t, f, 1); len(got) > 1 {
			t.Errorf("%d messages, want at most 1", len(got))
		}
	},
	"redriven messages are received again": func(t *testing.T, f Fixture) {
		fail(t, f, "a")
		fail(t, f, "b")
		failed(t, f, 2)
		redrive(t, f, 2)
		got := []string{string(receive(t, f, long).Body), string(receive(t, f, long).Body)}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
			t.Errorf("received (-want +got):\n%s", diff)
		}
		if left := list(t, f, 10); len(left) > 0 {
			t.Errorf("still failed: %v", left)
		}
	},
	"a redriven message has all its tries before it": func(t *testing.T, f Fixture) {
		fail(t, f, "poison")
		failed(t, f, 1)
		redrive(t, f, 1)
		for range f.Tries {
			extend(t, f, receive(t, f, long).Receipt, 0)
		}
		nothing(t, f)
		failed(t, f, 1)
	},
}

// fail sends a message and receives it as often as the queue allows.
func fail(t *testing.T, f Fixture, body string) {
	t.Helper()
	send(t, f, body)
	for range f.Tries {
		m := receive(t, f, long)
		if string(m.Body) != body {
			t.Fatalf("received %q, want %q", m.Body, body)
		}
		extend(t, f, m.Receipt, 0)
	}
	nothing(t, f)
}

func list(t *testing.T, f Fixture, limit int) []queue.Message {
	t.Helper()
	got, err := f.Queue.Failed(t.Context(), limit)
	if err != nil {
		t.Fatalf("Failed: %v", err)
	}
	return got
}

// failed waits until n messages have failed and returns their bodies, sorted.
func failed(t *testing.T, f Fixture, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		got := list(t, f, 10)
		if len(got) < n {
			nothing(t, f) // some services move a message only when they are asked for it
			continue
		}
		var bodies []string
		for _, m := range got {
			bodies = append(bodies, string(m.Body))
		}
		slices.Sort(bodies)
		return bodies
	}
	t.Fatalf("%d messages failed, want %d", len(list(t, f, 10)), n)
	return nil
}

func redrive(t *testing.T, f Fixture, want int) {
	t.Helper()
	if n, err := f.Queue.Redrive(t.Context()); n != want || err != nil {
		t.Fatalf("Redrive = %d, %v, want %d", n, err, want)
	}
}
