package fieldrule

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Secret is the secret of the deployment that the salts of tenants are made of. Without
// it, what was hashed cannot be told apart from what will be: it is never rotated.
const Secret secret.Name = "fields"

const secretBytes = 32

// Salts makes the salts of tenants. It must not be copied.
type Salts struct {
	Secrets secret.Store

	mu     sync.Mutex
	master []byte
}

// Of returns a tenant's salt. Who asks for the first one makes the secret.
func (s *Salts) Of(ctx context.Context, t tenant.ID) (*Salt, error) {
	master, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, master, nil, "fields of tenant "+string(t), secretBytes)
	if err != nil {
		return nil, fmt.Errorf("salt of fields: %w", err)
	}
	return &Salt{hmac.New(sha256.New, key)}, nil
}

func (s *Salts) read(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.master != nil {
		return s.master, nil
	}
	found, err := s.Secrets.Get(ctx, secret.Deployment, Secret)
	if fault.Is(err, fault.NotFound) {
		found, err = s.make(ctx)
	}
	if err != nil {
		return nil, err
	}
	if n := len(found.Current.Reveal()); n != secretBytes {
		return nil, fmt.Errorf("the secret of field rules has %d bytes", n)
	}
	s.master = found.Current.Reveal()
	return s.master, nil
}

func (s *Salts) make(ctx context.Context) (secret.Secret, error) {
	fresh := make([]byte, secretBytes)
	_, _ = rand.Read(fresh) // never fails
	err := s.Secrets.Create(ctx, secret.Deployment, Secret, secret.New(fresh))
	if err != nil && !fault.Is(err, fault.Conflict) { // or somebody was faster
		return secret.Secret{}, err
	}
	return s.Secrets.Get(ctx, secret.Deployment, Secret)
}

// Salt hashes for a tenant, for one goroutine at a time.
type Salt struct{ mac hash.Hash }

// A hash is 128 bits, and 32 by which it is known to be one.
const (
	hashBytes  = 16
	checkBytes = 4
)

// What is hashed begins with a byte that says what it is.
const (
	ofValue = 'v'
	ofCheck = 'c'
)

// Hash returns what stands for a text: 40 hexadecimal digits of HMAC-SHA256 (RFC 2104).
// What Hash returned stands for itself: an event that was kept in quarantine hashed is
// the same person's when it is sent again.
func (s *Salt) Hash(text string) string {
	if s.made(text) {
		return text
	}
	return s.checked(s.sum(ofValue, []byte(text))[:hashBytes])
}

// made reports whether Hash returned a text. Of other texts of that form, one in four
// billion is taken for one.
func (s *Salt) made(text string) bool {
	if len(text) != 2*(hashBytes+checkBytes) {
		return false
	}
	raw, err := hex.DecodeString(text)
	return err == nil && s.checked(raw[:hashBytes]) == text
}

func (s *Salt) checked(sum []byte) string {
	sum = sum[:hashBytes:hashBytes]
	return hex.EncodeToString(append(sum, s.sum(ofCheck, sum)[:checkBytes]...))
}

func (s *Salt) sum(what byte, text []byte) []byte {
	s.mac.Reset()
	s.mac.Write([]byte{what})
	s.mac.Write(text)
	return s.mac.Sum(nil)
}
