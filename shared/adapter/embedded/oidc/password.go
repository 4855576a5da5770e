package oidc

import (
	"context"
	"crypto/subtle"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/tarnhq/tarn/shared/fault"
)

const (
	minPassword = 10  // characters
	maxPassword = 256 // bytes; hashing a longer one would only be work for us
)

// passwordHash is an Argon2id hash with the cost it was made at, so that the cost
// may be raised later without locking anybody out.
type passwordHash struct {
	Memory uint32 // KiB
	Passes uint32
	Salt   []byte
	Hash   []byte
}

// owasp is the cost that OWASP advises for Argon2id with one lane.
var owasp = passwordHash{Memory: 19 << 10, Passes: 2}

func checkPassword(email, password string) error {
	if len([]rune(password)) < minPassword || len(password) > maxPassword || strings.EqualFold(password, email) {
		return fault.New(fault.Invalid, "weak_password", "this password will not do").
			WithHint("at least %d characters, at most %d bytes, and not the e-mail address", minPassword, maxPassword)
	}
	return nil
}

// hashPassword hashes at the present cost with a new salt.
func (u users) hashPassword(ctx context.Context, password string) (passwordHash, error) {
	h := u.cost
	h.Salt = make([]byte, 16)
	if _, err := io.ReadFull(u.random, h.Salt); err != nil {
		return passwordHash{}, err
	}
	var err error
	h.Hash, err = u.derive(ctx, h, password)
	return h, err
}

// matches reports whether the password is the one that was hashed.
func (u users) matches(ctx context.Context, h passwordHash, password string) (bool, error) {
	if len(password) > maxPassword {
		return false, nil
	}
	derived, err := u.derive(ctx, h, password)
	return err == nil && subtle.ConstantTimeCompare(derived, h.Hash) == 1, err
}

// derive does the work, a few at a time: each takes memory on purpose.
func (u users) derive(ctx context.Context, h passwordHash, password string) ([]byte, error) {
	select {
	case u.hashing <- struct{}{}:
		defer func() { <-u.hashing }()
		return argon2.IDKey([]byte(password), h.Salt, h.Passes, h.Memory, 1, 32), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
