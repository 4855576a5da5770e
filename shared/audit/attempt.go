package audit

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Nobody is who an attempt is by that names nobody we know. It is told of in the log of
// the deployment's own tenant, access.DefaultTenant.
const Nobody = "nobody"

// maxSources is of how many sources of attempts by one a minute has entries; those of all
// others are told of together, as from Elsewhere.
const maxSources = 20

// Elsewhere is the source of attempts that came from too many.
const Elsewhere = "elsewhere"

// Attempt appends the first of failures to prove who one is that are alike: by one, with
// one outcome, from one source, which is the event's Payload.From. Those of the next
// minute are counted, and the entry after it has their number. However many sources there
// are, a minute has a bounded number of entries by one.
func (s *Store) Attempt(ctx context.Context, e Event) error {
	e.Payload.From = networkOf(e.Payload.From)
	now := s.now()
	times := s.attempts.count(like(e), 1, now, likeEvery)
	if times == 0 {
		return nil
	}
	if !s.sources.take(fmt.Sprint(e.Tenant, "\n", e.By, "\n", e.Outcome), now) {
		e.Payload.From = Elsewhere
		if times = s.attempts.count(like(e), times, now, likeEvery); times == 0 {
			return nil
		}
	}
	e.Times = times
	return s.Append(ctx, e)
}

func like(e Event) string {
	return fmt.Sprint(e.Tenant, "\n", e.By, "\n", e.Action, "\n", e.Outcome, "\n", e.Payload.From)
}

// sources counts of how many each one's attempts have entries in a minute.
type sources struct {
	mu     sync.Mutex
	minute time.Time
	told   map[string]int
}

// take reports whether one more source has room.
func (s *sources) take(who string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil || now.Sub(s.minute) >= likeEvery || len(s.told) >= maxKnown {
		s.minute, s.told = now, map[string]int{}
	}
	s.told[who]++
	return s.told[who] <= maxSources
}

// networkOf returns whom an address of the network belongs to, with or without a port: an
// IPv6 customer has at least 64 bits of them.
func networkOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	if ip == nil || ip.To4() != nil {
		return host
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}
