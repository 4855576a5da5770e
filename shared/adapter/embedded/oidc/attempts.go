package oidc

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// Failed sign-ins that one window allows. The limit of an account is far above
// that of one visitor, or a stranger could lock the owner out cheaply.
const (
	window          = 5 * time.Minute
	maxByVisitor    = 10 // one address of the network, one account
	maxByNetAddress = 100
	maxByAccount    = 100
	maxVisits       = 300 // to other providers, of one address of the network
)

// attempts throttles the guessing of passwords. An attempt is counted before the
// password is looked at, so that a hundred at once are not a hundred free guesses,
// and taken back when the password was right.
type attempts struct {
	table table.Table
	now   func() time.Time
}

// attempt is one try to sign in.
type attempt struct {
	counters []counter
	expires  time.Time
}

type counter struct {
	key table.Key
	max int64
}

func (a attempts) of(r *http.Request, email string) attempt {
	start := a.now().Truncate(window)
	email = strings.ToLower(email)
	from := network(r.RemoteAddr)
	key := func(kind string, parts ...string) table.Key {
		return at("attempts", fmt.Sprintf("%d/%s/%s", start.Unix(), kind, hashed(strings.Join(parts, " "))))
	}
	return attempt{expires: start.Add(window), counters: []counter{
		{key("visitor", from, email), maxByVisitor},
		{key("from", from), maxByNetAddress},
		{key("account", email), maxByAccount},
	}}
}

// ofVisit is a try to sign in at another provider, where nothing is guessed: what it
// bounds is the memory that visits take.
func (a attempts) ofVisit(r *http.Request) attempt {
	start := a.now().Truncate(window)
	key := at("attempts", fmt.Sprintf("%d/visit/%s", start.Unix(), hashed(network(r.RemoteAddr))))
	return attempt{expires: start.Add(window), counters: []counter{{key, maxVisits}}}
}

// begin counts the attempt and returns fault.Throttled when there were too many.
func (a attempts) begin(ctx context.Context, t attempt) error {
	if err := a.add(ctx, t, 1); err != nil {
		return err
	}
	for _, c := range t.counters {
		item, err := a.table.Get(ctx, c.key)
		if err != nil {
			return err
		}
		if item.Counters["n"] > c.max {
			e := fault.New(fault.Throttled, "too_many_attempts", "there were too many attempts to sign in")
			e.RetryAfter = t.expires.Sub(a.now())
			return e
		}
	}
	return nil
}

// forgive takes a successful attempt back.
func (a attempts) forgive(ctx context.Context, t attempt) error { return a.add(ctx, t, -1) }

func (a attempts) add(ctx context.Context, t attempt, n int64) error {
	writes := make([]table.Write, len(t.counters))
	for i, c := range t.counters {
		// An hour more than the window, so that a count outlives clocks that disagree.
		writes[i] = table.Add(c.key, map[string]int64{"n": n}, t.expires.Add(time.Hour))
	}
	return a.table.Commit(ctx, writes...)
}

// network returns whom an address of the network belongs to: an IPv6 customer has
// at least 64 bits of them.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	ip := net.ParseIP(host)
	if ip == nil || ip.To4() != nil {
		return host
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}
