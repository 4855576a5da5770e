package access

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// KeyMemory is how long an Authenticator remembers a key it has identified, so
// that a busy producer costs no read per request, and how long a revoked key may
// therefore still be accepted.
const KeyMemory = 5 * time.Second

// maxRemembered bounds the memory of an Authenticator.
const maxRemembered = 10_000

// Authenticator tells who sends a request. It must not be copied.
type Authenticator struct {
	Keys   Keys
	Tokens *Tokens // nil: only keys are accepted
	Embeds *Embeds // nil: no embed token is accepted

	Clients *Clients // nil: no client's token is accepted
	Usage   *Usage   // nil: nobody asks when keys were used

	remembered recollection[keyHash, Principal]
}

// Identify returns the sender of a request: an API key or an access token as
// "Authorization: Bearer", or without a scheme, as Cube's clients send it, or a key as
// the user name of Basic. It returns the zero Principal where the request has no such
// header, and fault.Unauthenticated where it has one that nobody we know would send.
func (a *Authenticator) Identify(r *http.Request) (Principal, error) {
	return a.IdentifyHeader(r.Context(), r.Header.Get("Authorization"))
}

// IdentifyHeader is Identify for who has only the header's value.
func (a *Authenticator) IdentifyHeader(ctx context.Context, authorization string) (Principal, error) {
	if authorization == "" {
		return Principal{}, nil
	}
	scheme, credential, two := strings.Cut(authorization, " ")
	credential = strings.TrimSpace(credential)
	switch scheme = strings.ToLower(scheme); {
	case scheme == "bearer":
		return a.identifyBearer(ctx, credential)
	case !two:
		return a.identifyBearer(ctx, authorization)
	case scheme == "basic":
		r := http.Request{Header: http.Header{"Authorization": {authorization}}}
		key, _, _ := r.BasicAuth()
		return a.IdentifyKey(ctx, key)
	}
	return Principal{}, fault.New(fault.Unauthenticated, "bad_scheme", "this is no way to authenticate here").
		WithHint("send 'Authorization: Bearer …', or Basic with a key as the user name")
}

func (a *Authenticator) identifyBearer(ctx context.Context, credential string) (Principal, error) {
	if a.Embeds != nil && strings.HasPrefix(credential, embedPrefix) {
		return a.Embeds.Identify(ctx, credential)
	}
	if a.Clients != nil && strings.HasPrefix(credential, clientPrefix) {
		return a.identify(ctx, credential, a.Clients.Identify)
	}
	if a.Tokens == nil || strings.HasPrefix(credential, secretPrefix) {
		return a.IdentifyKey(ctx, credential)
	}
	return a.Tokens.Identify(ctx, credential)
}

// IdentifyKey returns the principal of a bare API key, as some producers send it
// in the body.
func (a *Authenticator) IdentifyKey(ctx context.Context, secret string) (Principal, error) {
	return a.identify(ctx, secret, a.Keys.Identify)
}

// identify asks who a key is, itself or behind a client's token, unless that was asked a
// moment ago.
func (a *Authenticator) identify(ctx context.Context, credential string, ask func(context.Context, string) (Principal, error)) (Principal, error) {
	now := a.Keys.Now()
	hash := sha256.Sum256([]byte(credential))
	if p, ok := a.remembered.get(hash, now); ok && !p.expired(now) {
		return p, nil
	}
	p, err := ask(ctx, credential)
	if err == nil {
		a.Usage.note(p)
		a.remembered.put(hash, p, now)
	}
	return p, err
}

type keyHash = [sha256.Size]byte

// recollection forgets everything at once, KeyMemory after its first entry or when
// it is full: no entry is ever older than that.
type recollection[K comparable, V any] struct {
	mu      sync.Mutex
	entries map[K]V
	since   time.Time
}

func (m *recollection[K, V]) get(key K, now time.Time) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.since) >= KeyMemory {
		return value, false
	}
	value, ok = m.entries[key]
	return value, ok
}

func (m *recollection[K, V]) put(key K, value V, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Before(m.since) {
		return // a slow read, older than this memory
	}
	if m.entries == nil || len(m.entries) >= maxRemembered || now.Sub(m.since) >= KeyMemory {
		m.entries, m.since = map[K]V{}, now
	}
	m.entries[key] = value
}
