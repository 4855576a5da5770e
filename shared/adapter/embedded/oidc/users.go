package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/table"
)

// users keeps people by id, and their ids by e-mail address.
type users struct {
	table   table.Table
	random  io.Reader
	cost    passwordHash  // of hashing a new password; the rest of it is empty
	hashing chan struct{} // bounds concurrent password hashing
}

// account is a person with what they prove themselves by.
type account struct {
	User      identity.User
	Password  passwordHash
	Factor    factor    // beside the password
	Once      time.Time // until when the password is good, for one time; zero: always
	SignedOut time.Time // whoever signed in until then must do so again
	Links     []string  // by which people of other providers are known: the sort keys of their items
	Revision  int       // goes up with every change
}

// inviteLife is how long a one-time password is good.
const inviteLife = 7 * 24 * time.Hour

const maxEmail = 254 // bytes, by the mail standards

// Create adds a user who can sign in with the password at once.
func (p *Provider) Create(ctx context.Context, email, password string, groups []string) (identity.User, error) {
	return p.create(ctx, email, password, groups, time.Time{})
}

// Invite adds a user whose password is good for one time, within a week.
func (p *Provider) Invite(ctx context.Context, email string, groups []string) (identity.User, string, error) {
	password, err := newOneTime(p.users.random)
	if err != nil {
		return identity.User{}, "", err
	}
	user, err := p.create(ctx, email, password, groups, p.now().Add(inviteLife))
	return user, password, err
}

// newOneTime returns a one-time password.
func newOneTime(random io.Reader) (string, error) {
	secret, err := newSecret(random)
	if err != nil {
		return "", err
	}
	return secret[:24], nil
}

func (p *Provider) create(ctx context.Context, email, password string, groups []string, once time.Time) (identity.User, error) {
	if err := checkEmail(email); err != nil {
		return identity.User{}, err
	}
	if err := checkPassword(email, password); err != nil {
		return identity.User{}, err
	}
	hash, err := p.users.hashPassword(ctx, password)
	if err != nil {
		return identity.User{}, err
	}
	id, err := newSecret(p.users.random)
	if err != nil {
		return identity.User{}, err
	}
	a := account{User: identity.User{ID: id[:32], Email: email, Groups: groups}, Password: hash, Once: once}
	err = p.users.add(ctx, a)
	if fault.Is(err, fault.Conflict) {
		return identity.User{}, fault.New(fault.Conflict, "email_taken", "there already is a user %s", email)
	}
	return a.User, err
}

func checkEmail(email string) error {
	if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email || len(email) > maxEmail {
		return fault.New(fault.Invalid, "bad_email", "%.80q is not an e-mail address", email)
	}
	return nil
}

// add stores a new account together with what belongs to it. It fails with
// fault.Conflict where the address is taken.
func (u users) add(ctx context.Context, a account, more ...table.Write) error {
	put, err := putAccount(a)
	if err != nil {
		return err
	}
	return u.table.Commit(ctx, append(more, put.If(table.Absent),
		table.Put(table.Item{Key: byEmail(a.User.Email), Body: []byte(a.User.ID)}).If(table.Absent))...)
}

// Get returns the user with this id.
func (p *Provider) Get(ctx context.Context, id string) (identity.User, error) {
	a, err := p.users.get(ctx, id)
	return a.User, err
}

// Find returns the user with this e-mail address, in any case of letters.
func (p *Provider) Find(ctx context.Context, email string) (identity.User, error) {
	a, err := p.users.find(ctx, email)
	return a.User, err
}

// List returns a page of users; next continues.
func (p *Provider) List(ctx context.Context, next string, limit int) ([]identity.User, string, error) {
	page, err := p.users.table.List(ctx, table.Query{Partition: byID("-").Partition, Next: next, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	people := make([]identity.User, 0, len(page.Items))
	for _, item := range page.Items {
		a, err := decodeAccount(item)
		if err != nil {
			return nil, "", err
		}
		people = append(people, a.User)
	}
	return people, page.Next, nil
}

// SetGroups replaces the groups of a user. Tokens that are out keep the old ones
// until they expire.
func (p *Provider) SetGroups(ctx context.Context, id string, groups []string) error {
	return p.users.change(ctx, id, func(a *account) { a.User.Groups = groups })
}

// Disable stops a user from signing in and from refreshing. Tokens that are out
// stay good until they expire.
func (p *Provider) Disable(ctx context.Context, id string) error {
	return p.users.change(ctx, id, func(a *account) { a.User.Disabled = true })
}

// Enable undoes Disable.
func (p *Provider) Enable(ctx context.Context, id string) error {
	return p.users.change(ctx, id, func(a *account) { a.User.Disabled = false })
}

// SignOut ends the sessions of a user in every browser, and every grant.
func (p *Provider) SignOut(ctx context.Context, id string) error {
	return p.users.change(ctx, id, func(a *account) { a.SignedOut = p.now().UTC() })
}

// Delete removes a user; an absent one is fine.
func (p *Provider) Delete(ctx context.Context, id string) error {
	a, err := p.users.get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.seeds.clear(ctx, id); err != nil { // first: without the account nobody looks for them
		return err
	}
	return p.users.table.Commit(ctx, append(unlink(a), table.Delete(byID(id)), table.Delete(byEmail(a.User.Email)))...)
}

// maySign reports whether who signed in at a time may go on without doing so again.
func (a account) maySign(since time.Time) bool {
	return !a.User.Disabled && since.After(a.SignedOut)
}

func (u users) get(ctx context.Context, id string) (account, error) {
	item, err := u.table.Get(ctx, byID(id))
	if fault.Is(err, fault.NotFound) {
		return account{}, errNoUser()
	}
	if err != nil {
		return account{}, err
	}
	return decodeAccount(item)
}

func (u users) find(ctx context.Context, email string) (account, error) {
	if len(email) > maxEmail {
		return account{}, errNoUser()
	}
	item, err := u.table.Get(ctx, byEmail(email))
	if fault.Is(err, fault.NotFound) {
		return account{}, errNoUser()
	}
	if err != nil {
		return account{}, err
	}
	return u.get(ctx, string(item.Body))
}

// change applies f to a user, again if somebody else changed the user meanwhile.
func (u users) change(ctx context.Context, id string, f func(*account)) error {
	return u.changeWith(ctx, id, func(a *account) error {
		f(a)
		return nil
	})
}

// changeWith is change together with other writes, unless f returns an error.
func (u users) changeWith(ctx context.Context, id string, f func(*account) error, more ...table.Write) error {
	const tries = 5
	var err error
	for range tries {
		var a account
		if a, err = u.get(ctx, id); err != nil {
			return err
		}
		unchanged := table.Equal(revision, strconv.Itoa(a.Revision))
		if err := f(&a); err != nil {
			return err
		}
		a.Revision++
		put, encodeErr := putAccount(a)
		if encodeErr != nil {
			return encodeErr
		}
		if err = u.table.Commit(ctx, append(slices.Clone(more), put.If(unchanged))...); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return err
}

const revision = "revision"

func putAccount(a account) (table.Write, error) {
	body, err := json.Marshal(a)
	return table.Put(table.Item{
		Key:        byID(a.User.ID),
		Attributes: map[string]string{revision: strconv.Itoa(a.Revision)},
		Body:       body,
	}), err
}

func decodeAccount(item table.Item) (account, error) {
	var a account
	if err := json.Unmarshal(item.Body, &a); err != nil {
		return account{}, fmt.Errorf("user %s: %w", item.Key.Sort, err)
	}
	return a, nil
}

func byID(id string) table.Key       { return at("users", id) }
func byEmail(email string) table.Key { return at("emails", hashed(strings.ToLower(email))) }

func errNoUser() error { return fault.New(fault.NotFound, "user_not_found", "there is no such user") }
