package access

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tarnhq/tarn/shared/fault"
)

// KeySource returns the keys that an issuer signs with at present.
type KeySource func(context.Context) (jose.JSONWebKeySet, error)

const (
	keysFresh   = time.Hour        // after which keys are fetched again, so that a withdrawn one dies
	refetchWait = 10 * time.Second // between two fetches, whatever key ids callers make up
	firstWait   = time.Second      // the same, while there are no keys at all
	fetchLimit  = 5 * time.Second
	maxKeySet   = 1 << 20 // bytes
)

// PublishedKeys is the source that reads the key set at an address.
func PublishedKeys(client *http.Client, address string) KeySource {
	return func(ctx context.Context) (jose.JSONWebKeySet, error) {
		var set jose.JSONWebKeySet
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return set, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return set, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return set, fmt.Errorf("%s answered %s", address, resp.Status)
		}
		err = json.NewDecoder(io.LimitReader(resp.Body, maxKeySet)).Decode(&set)
		return set, err
	}
}

// signingKeys remembers the keys of a source. Who brings a token with a known key
// never waits for a fetch, unless it is the one who makes it.
type signingKeys struct {
	source KeySource
	now    func() time.Time

	known atomic.Pointer[keySet]
	fetch sync.Mutex

	tried  time.Time // the last fetch; guarded by fetch
	failed error     // how it ended; guarded by fetch
}

type keySet struct {
	byID map[string]any // public keys
	at   time.Time
}

func (s *signingKeys) find(ctx context.Context, id string) (any, error) {
	set, failed := s.known.Load(), error(nil)
	if set != nil && set.byID[id] != nil {
		if s.now().Sub(set.at) >= keysFresh && s.fetch.TryLock() {
			set = s.refresh(ctx, set)
			s.fetch.Unlock()
		}
	} else {
		s.fetch.Lock()
		set, failed = s.refresh(ctx, set), s.failed
		s.fetch.Unlock()
	}
	if set == nil {
		return nil, fault.New(fault.Unavailable, "no_signing_keys", "the keys of the sign-in service cannot be read at the moment").Because(failed)
	}
	if key := set.byID[id]; key != nil {
		return key, nil
	}
	return nil, badToken("its signing key is unknown")
}

// refresh returns the newest keys it can get. It fetches unless that was tried a
// moment ago, or another caller brought newer ones than old meanwhile. When the
// source fails, the old keys stay good.
func (s *signingKeys) refresh(ctx context.Context, old *keySet) *keySet {
	now, wait := s.now(), refetchWait
	if old == nil {
		wait = firstWait
	}
	if newer := s.known.Load(); newer != old || now.Sub(s.tried) < wait {
		return newer
	}
	s.tried = now
	// One caller fetches for all: that it hangs up must not fail the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchLimit)
	defer cancel()
	published, err := s.source(ctx)
	if s.failed = err; err != nil {
		return old
	}
	set := &keySet{byID: map[string]any{}, at: now}
	for _, key := range published.Keys {
		if public := key.Public(); public.Valid() && key.Use != "enc" && key.KeyID != "" {
			set.byID[key.KeyID] = public.Key
		}
	}
	s.known.Store(set)
	return set
}
