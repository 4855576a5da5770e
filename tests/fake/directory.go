package fake

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

// Directory is identity.Directory in memory. Nobody can sign in there.
type Directory struct {
	mu           sync.Mutex
	made, resets int
	users        []identity.User // in the order of their ids
}

// Issuer implements identity.Directory.
func (d *Directory) Issuer(context.Context) (identity.Issuer, error) {
	const at = "https://sign.in"
	return identity.Issuer{URL: at, ClientID: "console", JWKS: at + "/jwks", Authorization: at + "/authorize", Token: at + "/token"}, nil
}

// Create implements identity.Directory.
func (d *Directory) Create(_ context.Context, email, password string, groups []string) (identity.User, error) {
	if len(password) < 10 {
		return identity.User{}, fault.New(fault.Invalid, "weak_password", "this password will not do")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.find(func(u identity.User) bool { return strings.EqualFold(u.Email, email) }) >= 0 {
		return identity.User{}, fault.New(fault.Conflict, "email_taken", "there already is a user %s", email)
	}
	d.made++
	user := identity.User{ID: fmt.Sprintf("%032x", d.made), Email: email, Groups: slices.Clone(groups)}
	d.users = append(d.users, user)
	return user, nil
}

// Invite implements identity.Directory.
func (d *Directory) Invite(ctx context.Context, email string, groups []string) (identity.User, string, error) {
	const password = "a one-time password"
	user, err := d.Create(ctx, email, password, groups)
	return user, password, err
}

func (d *Directory) find(is func(identity.User) bool) int { return slices.IndexFunc(d.users, is) }

func (d *Directory) one(is func(identity.User) bool) (identity.User, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(is)
	if i < 0 {
		return identity.User{}, errNoUser()
	}
	user := d.users[i]
	user.Groups = slices.Clone(user.Groups)
	return user, nil
}

// Get implements identity.Directory.
func (d *Directory) Get(_ context.Context, id string) (identity.User, error) {
	return d.one(func(u identity.User) bool { return u.ID == id })
}

// Find implements identity.Directory.
func (d *Directory) Find(_ context.Context, email string) (identity.User, error) {
	return d.one(func(u identity.User) bool { return strings.EqualFold(u.Email, email) })
}

// List implements identity.Directory.
func (d *Directory) List(_ context.Context, next string, limit int) ([]identity.User, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, _ := strconv.Atoi(next) // ours
	from = min(max(0, from), len(d.users))
	to := min(len(d.users), from+limit)
	if next = ""; to < len(d.users) {
		next = strconv.Itoa(to)
	}
	return slices.Clone(d.users[from:to]), next, nil
}

func (d *Directory) change(id string, f func(*identity.User)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(func(u identity.User) bool { return u.ID == id })
	if i < 0 {
		return errNoUser()
	}
	f(&d.users[i])
	return nil
}

// SetGroups implements identity.Directory.
func (d *Directory) SetGroups(_ context.Context, id string, groups []string) error {
	return d.change(id, func(u *identity.User) { u.Groups = slices.Clone(groups) })
}

// Disable implements identity.Directory.
func (d *Directory) Disable(_ context.Context, id string) error {
	return d.change(id, func(u *identity.User) { u.Disabled = true })
}

// Enable implements identity.Directory.
func (d *Directory) Enable(_ context.Context, id string) error {
	return d.change(id, func(u *identity.User) { u.Disabled = false })
}

// SignOut implements identity.Directory.
func (d *Directory) SignOut(_ context.Context, id string) error {
	return d.change(id, func(*identity.User) {})
}

// Reset implements identity.Directory.
func (d *Directory) Reset(_ context.Context, id string) (password string, err error) {
	err = d.change(id, func(*identity.User) {
		d.resets++
		password = fmt.Sprint("one-time password ", d.resets)
	})
	return password, err
}

// Delete implements identity.Directory.
func (d *Directory) Delete(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users = slices.DeleteFunc(d.users, func(u identity.User) bool { return u.ID == id })
	return nil
}

func errNoUser() error { return fault.New(fault.NotFound, "user_not_found", "there is no such user") }
