package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	kills   = 20
	senders = 6
)

// TestSIGKILL ends the server twenty times between any two instructions, with
// senders in the middle of their requests and seals under way. What was acknowledged
// has one row at the end, and nothing has two.
func TestSIGKILL(t *testing.T) {
	data, rng := t.TempDir(), rand.New(rand.NewPCG(20, 1))
	load := make([]*sender, senders)
	for i := range load {
		load[i] = newSender(i)
	}
	p := start(t, data)
	p.create(t, loaded)
	for range kills {
		killMidLoad(t, p, load, 1+rng.IntN(60), time.Duration(rng.IntN(10_000))*time.Microsecond)
		p = start(t, data)
	}
	for _, s := range load {
		if s.unanswered = append(s.unanswered, s.next); !s.send(t.Context(), p.client, s.unanswered) {
			t.Fatal("the last batch was not answered", s.wrong)
		}
	}
	position := barrier(t, p.client)
	check(t, p.client, load, position)
	p.stop(t)
	check(t, start(t, data).client, load, position) // the same from segments as from memory
	quiet(t, data)
}

// killMidLoad kills the server a moment after some answers to concurrent senders: an
// answer alone would choose an instant right after a write to the disk.
func killMidLoad(t *testing.T, p *process, load []*sender, answers int, after time.Duration) {
	t.Helper()
	answered := make(chan struct{}, answers)
	var all sync.WaitGroup
	for _, s := range load {
		all.Go(func() { s.run(t.Context(), p.client, answered) })
	}
	for range answers {
		select {
		case <-answered:
		case err := <-p.ended:
			t.Fatalf("the server ended by itself: %v\n%s", err, p.output)
		}
	}
	<-time.After(after)
	p.kill(t)
	all.Wait()
	for _, s := range load {
		if s.wrong != nil {
			t.Fatal(s.wrong)
		}
	}
}

// quiet checks that no run of the server logged trouble.
func quiet(t *testing.T, data string) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(data, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, `"level":"INFO"`) {
			t.Errorf("the server logged %s", line)
		}
	}
}

// barrier sends enough events to reach every shard, after all others.
func barrier(t *testing.T, c client) (position string) {
	t.Helper()
	var last []map[string]any
	for i := range 1000 {
		last = append(last, map[string]any{"event_id": fmt.Sprintf("barrier-%d", i), "event": "barrier"})
	}
	return c.send(t, loaded, last)
}

func check(t *testing.T, c client, load []*sender, position string) {
	t.Helper()
	visible, deliveries := 1000, 1000 // the barrier's
	for _, s := range load {
		visible += checkRows(t, c, s, position)
		deliveries += s.deliveries
		checkFates(t, c, s)
	}
	l := c.ledger(t, loaded)
	if l.Pending != 0 || l.Quarantined != 0 || l.Dropped != 0 || l.Erased != 0 {
		t.Errorf("something is on its way or lost: %+v", l)
	}
	if l.Visible != int64(visible) || l.Accepted < int64(deliveries) {
		t.Errorf("%d rows and %d acknowledged deliveries; the ledger has %+v", visible, deliveries, l)
	}
	t.Logf("%d deliveries were acknowledged, %d rows are visible, %d duplicates were recognized", deliveries, l.Visible, l.Duplicate)
}

// checkRows compares a sender's events with its rows, and counts those.
func checkRows(t *testing.T, c client, s *sender, position string) (visible int) {
	t.Helper()
	rows := c.rows(t, map[string]any{
		"dataset": loaded, "dimensions": []string{"event_id", "n"}, "measures": []string{"count"}, "limit": 100_000, "wait_for": position,
		"filter": map[string]any{"column": "sender", "op": "=", "value": s.number},
	})
	found := map[string]bool{}
	for _, row := range rows {
		id, n, count := row[0].(string), fmt.Sprint(row[1]), fmt.Sprint(row[2])
		if found[id] || count != "1" {
			t.Errorf("event %s has more than one row", id)
		}
		found[id] = true
		if id != fmt.Sprintf("s%d-%s", s.number, n) {
			t.Errorf("event %s has the values of %s", id, n)
		}
	}
	for n := range s.acknowledged {
		if !found[s.id(n)] {
			t.Errorf("event %s was acknowledged and is lost", s.id(n))
		}
	}
	for id := range found {
		var sender, n int
		if _, err := fmt.Sscanf(id, "s%d-%d", &sender, &n); err != nil || !s.sent[n] {
			t.Errorf("event %s was never sent", id)
		}
	}
	return len(rows)
}

// checkFates asks for some events by their ids.
func checkFates(t *testing.T, c client, s *sender) {
	t.Helper()
	asked := 0
	for n := range s.acknowledged {
		if f := c.fate(t, loaded, s.id(n)); f.Fate != "stored" {
			t.Errorf("event %s was acknowledged, and its fate is %+v", s.id(n), f)
		}
		if asked++; asked == 30 {
			break
		}
	}
	if a, err := c.do(t.Context(), http.MethodGet, "/v1/datasets/"+loaded+"/events?id="+s.id(1<<40), nil, nil); err != nil || a.status != http.StatusNotFound {
		t.Errorf("an event that was never sent: %v %d", err, a.status)
	}
}
