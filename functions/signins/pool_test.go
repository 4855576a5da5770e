package signins

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/tests/fake"
)

const (
	grace  = "grace@example.com"
	google = "108204268033311374519" // what Google calls Grace
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// pool is a user pool in memory, of whose people some are linked.
type pool struct {
	*fake.Directory
	waits map[string]time.Time // by id; absent: somebody signs in
	links map[string]string    // ids by provider and subject
	fails string               // the call that fails
}

func newPool() *pool {
	return &pool{Directory: &fake.Directory{}, waits: map[string]time.Time{}, links: map[string]string{}}
}

var errDown = fault.New(fault.Unavailable, "down", "the pool is away")

func (p *pool) failing(call string) error {
	if p.fails == call {
		return errDown
	}
	return nil
}

func (p *pool) Waiting(ctx context.Context, email string) (identity.User, time.Time, error) {
	if err := p.failing("Waiting"); err != nil {
		return identity.User{}, time.Time{}, err
	}
	user, err := p.Find(ctx, email)
	return user, p.waits[user.ID], err
}

func (p *pool) Invite(ctx context.Context, email string, groups []string) (identity.User, string, error) {
	if err := p.failing("Invite"); err != nil {
		return identity.User{}, "", err
	}
	user, password, err := p.Directory.Invite(ctx, email, groups)
	if err == nil {
		p.waits[user.ID] = noon.Add(7 * 24 * time.Hour)
	}
	return user, password, err
}

func (p *pool) Link(_ context.Context, id, provider, subject string) error {
	if err := p.failing("Link"); err != nil {
		return err
	}
	p.links[provider+" "+subject] = id
	return nil
}

func (p *pool) EndInvitation(_ context.Context, id string) error {
	if err := p.failing("EndInvitation"); err != nil {
		return err
	}
	delete(p.waits, id)
	return nil
}

func (p *pool) SetGroups(ctx context.Context, id string, groups []string) error {
	if err := p.failing("SetGroups"); err != nil {
		return err
	}
	return p.Directory.SetGroups(ctx, id, groups)
}

func (p *pool) invite(t *testing.T, groups ...string) identity.User {
	t.Helper()
	user, _, err := p.Invite(t.Context(), grace, groups)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// answers are those of a pool with two providers: Google, and Corp, a SAML provider that
// gives out addresses and groups.
func (p *pool) answers() Answers {
	return Answers{
		Rules: map[string]federation.Rules{
			"Google": {},
			"Corp":   {EmailDomains: []string{"example.com"}, TrustEmail: true, GroupsClaim: "groups", GroupsOf: federation.GroupsTable{"bi-admins": "admin", "BI Users": "analyst"}},
		},
		Open: func(string) Directory { return p },
		Now:  func() time.Time { return noon },
		Log:  slog.New(slog.DiscardHandler),
	}
}

// sample is an event as Cognito sends it, with some of the person's attributes changed;
// those that are empty are left out.
func sample(t *testing.T, name, user string, attributes map[string]string) json.RawMessage {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	if user != "" {
		whole["userName"] = user
	}
	of := whole["request"].(map[string]any)["userAttributes"].(map[string]any)
	for key, value := range attributes {
		if of[key] = value; value == "" {
			delete(of, key)
		}
	}
	out, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
