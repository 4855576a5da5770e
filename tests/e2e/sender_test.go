package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// loaded is the dataset that senders send to.
const loaded = "load"

// sender sends batches one after the other, as an application does that wants to
// lose nothing: what was not answered, it sends again later, in other company.
type sender struct {
	number       int
	rng          *rand.Rand
	next         int          // number of the next new event
	acknowledged map[int]bool // events that were answered for
	sent         map[int]bool // events that left, answered or not
	unanswered   []int        // to be sent again
	deliveries   int          // acknowledged ones, repeats included
	wrong        error        // an answer that no sender should get
}

func newSender(number int) *sender {
	return &sender{number: number, rng: rand.New(rand.NewPCG(uint64(number), 1)), acknowledged: map[int]bool{}, sent: map[int]bool{}}
}

// run sends until the server is gone, and tells of every answer. Now and then it has
// the server seal what is in memory, so that kills hit that too.
func (s *sender) run(ctx context.Context, c client, answered chan<- struct{}) {
	for s.wrong == nil {
		if s.rng.IntN(12) == 0 {
			if _, err := c.do(ctx, http.MethodPost, "/v1/datasets/"+loaded+"/quarantine/replay", nil, nil); err != nil {
				return
			}
		}
		if !s.send(ctx, c, s.batch()) {
			return
		}
		select {
		case answered <- struct{}{}:
		default: // nobody counts any more
		}
	}
}

// batch draws from what was never answered, what was, and what is new.
func (s *sender) batch() []int {
	size := 1 + s.rng.IntN(200)
	if s.rng.IntN(3) == 0 {
		size = 1 + s.rng.IntN(5)
	}
	var batch []int
	if n := min(size, len(s.unanswered)); n > 0 && s.rng.IntN(2) == 0 {
		batch, s.unanswered = append(batch, s.unanswered[:n]...), s.unanswered[n:]
	}
	for n := range s.acknowledged {
		if len(batch) == size || s.rng.IntN(4) > 0 {
			break
		}
		batch = append(batch, n) // its answer came, and it is sent again nevertheless
	}
	for len(batch) < size {
		batch = append(batch, s.next)
		s.next++
	}
	return batch
}

// send sends one batch and reports whether the server lives. Of a batch that is not
// answered, some events are never sent again: those may count once or not at all.
func (s *sender) send(ctx context.Context, c client, batch []int) bool {
	for _, n := range batch {
		s.sent[n] = true
	}
	a, err := c.do(ctx, http.MethodPost, "/v1/datasets/"+loaded+"/events", nil, s.body(batch))
	switch {
	case err == nil && a.status == http.StatusOK:
		for _, n := range batch {
			s.acknowledged[n] = true
		}
		s.deliveries += len(batch)
		return true
	case err == nil && a.status != http.StatusServiceUnavailable && a.status != http.StatusTooManyRequests:
		s.wrong = fmt.Errorf("an event's batch was answered with %d %s", a.status, a.body)
		return false
	}
	for _, n := range batch {
		if n%7 != 0 {
			s.unanswered = append(s.unanswered, n)
		}
	}
	return err == nil
}

// body writes events that are the same each time.
func (s *sender) body(batch []int) []byte {
	type event struct {
		ID         string         `json:"event_id"`
		Event      string         `json:"event"`
		Time       time.Time      `json:"time"`
		Properties map[string]int `json:"properties"`
	}
	events := make([]event, len(batch))
	for i, n := range batch {
		events[i] = event{s.id(n), "loaded", time.Date(2026, 1, 1, 0, 0, 7*n, 0, time.UTC), map[string]int{"sender": s.number, "n": n}}
	}
	text, err := json.Marshal(events)
	if err != nil {
		panic(err) // plain data
	}
	return text
}

func (s *sender) id(n int) string { return fmt.Sprintf("s%d-%d", s.number, n) }
