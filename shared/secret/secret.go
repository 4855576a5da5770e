// Package secret is the port for what nobody may learn who reads the table, a backup or
// a log: keys that sign, seeds of second factors, passwords of other systems. Values
// are redacted wherever they are written. Package secrettest holds the suite that every
// implementation passes.
package secret

import (
	"context"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Limits that hold for every implementation.
const (
	MaxValue = 60 << 10 // bytes; an empty value is none
	MaxName  = 200      // bytes
)

// Deployment owns the secrets that belong to no tenant. No tenant is called so.
const Deployment tenant.ID = "_deployment"

// Name is a secret's name within its tenant: 1 to MaxName characters of a-z, 0-9, '-',
// '.' and '_', in parts that are joined by '/'. It is no secret itself.
type Name string

// Secret is what a name stands for. While a rotation is under way, what was made with
// Previous is still good.
type Secret struct {
	Current  Value
	Previous Value // the one before; the zero Value where there is none
}

// Store keeps secrets of tenants. Names and tenants that are none are fault.Invalid, and
// so are values that are empty or too long.
type Store interface {
	// Create stores the first value of a secret. A taken name is fault.Conflict.
	Create(ctx context.Context, t tenant.ID, name Name, value Value) error

	// Put stores a value as the current one, and keeps the one before as the previous.
	// When it returns nil the value survives a crash; fault.Unavailable leaves open
	// whether it was stored.
	Put(ctx context.Context, t tenant.ID, name Name, value Value) error

	// Get returns a secret, or fault.NotFound. Beside a Put, its previous value may
	// be its current one; it is never older than the one before.
	Get(ctx context.Context, t tenant.ID, name Name) (Secret, error)

	// Delete removes a secret with all its values; an absent one is fine. In AWS, for
	// a moment after it, to store one of that name is fault.Unavailable.
	Delete(ctx context.Context, t tenant.ID, name Name) error

	// List returns the names of a tenant's secrets in bytewise order. In AWS, what was
	// changed in the last minutes may not show.
	List(ctx context.Context, t tenant.ID) ([]Name, error)
}

// CheckOwner returns an error unless secrets can be a tenant's.
func CheckOwner(t tenant.ID) error {
	if t != Deployment && !t.Valid() {
		return fault.New(fault.Invalid, "bad_tenant", "%.40q is no tenant", string(t))
	}
	return nil
}

// Check returns an error unless a name is one, of a tenant that is one.
func Check(t tenant.ID, name Name) error {
	if err := CheckOwner(t); err != nil {
		return err
	}
	begins := true // a part
	for _, c := range []byte(name) {
		switch letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'; {
		case letter:
			begins = false
		case begins || c != '-' && c != '.' && c != '_' && c != '/':
			return badName(name)
		default:
			begins = c == '/'
		}
	}
	if begins || len(name) > MaxName {
		return badName(name)
	}
	return nil
}

func badName(name Name) error {
	return fault.New(fault.Invalid, "bad_secret_name", "%.80q is no name of a secret", string(name)).
		WithHint("at most %d of a-z, 0-9, '-', '.' and '_', in parts that begin with a letter or digit and are joined by '/'", MaxName)
}

// CheckValue returns an error unless a value can be stored under a name.
func CheckValue(t tenant.ID, name Name, value Value) error {
	if err := Check(t, name); err != nil {
		return err
	}
	if n := len(value.Reveal()); n == 0 || n > MaxValue {
		return fault.New(fault.Invalid, "bad_secret", "a secret of %d bytes is not between 1 and %d", n, MaxValue)
	}
	return nil
}

// NotFound is the error of a secret that is not there.
func NotFound(name Name) error {
	return fault.New(fault.NotFound, "secret_not_found", "there is no secret %.80q", string(name))
}

// Lookup returns a function that reads current values of the deployment as text, for
// settings that name a secret in the place of its value.
func Lookup(s Store) func(ctx context.Context, name string) (string, error) {
	return func(ctx context.Context, name string) (string, error) {
		found, err := s.Get(ctx, Deployment, Name(name))
		return string(found.Current.Reveal()), err
	}
}
