package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Embed is all that the holder of an embed token may see: the answers of one saved
// query, over the rows that fixed filters are true of and that who made the token sees.
type Embed struct {
	Saved   string            `json:"saved"`
	Dataset dataset.Name      `json:"dataset"`
	Filters []json.RawMessage `json:"filters,omitempty"`
	By      Maker             `json:"by"`
}

// Maker is what rules about rows and columns look at of who made a token.
type Maker struct {
	ID         string              `json:"id"`
	Role       Role                `json:"role"`
	Groups     []string            `json:"groups,omitempty"`
	Attributes map[string][]string `json:"attributes,omitempty"`
}

// Behind returns the principal whom rules about rows and columns concern: who made the
// token, for the holder of one.
func (p Principal) Behind() Principal {
	if p.Embed == nil {
		return p
	}
	by := p.Embed.By
	return Principal{Tenant: p.Tenant, ID: by.ID, Role: by.Role, Groups: by.Groups, Attributes: by.Attributes, Granted: p.Granted}
}

// AllowSaved returns nil when the holder of an embed token may ask a saved query.
func (p Principal) AllowSaved(name string, now time.Time) error {
	if err := p.known(now); err != nil {
		return err
	}
	if p.Embed == nil || name == "" || p.Embed.Saved != name {
		return errEmbedded()
	}
	return nil
}

// AllowRows is Allow for who opens the rows of a dataset: a holder of an embed token may
// query those of its saved query's dataset, and nothing else.
func (p Principal) AllowRows(action Action, on dataset.Name, now time.Time) error {
	if p.Embed == nil {
		return p.Allow(action, on, now)
	}
	if err := p.known(now); err != nil {
		return err
	}
	if action != RunQuery || on == "" || p.Embed.Dataset != on {
		return errEmbedded()
	}
	return nil
}

func errEmbedded() error {
	return fault.New(fault.Denied, "denied", "an embed token is for its saved query alone").
		WithHint("GET /v1/saved/{name} with the name that the token was made for")
}

// The life and the size of an embed token.
const (
	EmbedLife     = time.Hour // where none is asked for
	MaxEmbedLife  = 24 * time.Hour
	maxEmbed      = 2 << 10 // bytes of JSON: an authorizer carries them
	embedPrefix   = "tarnembed_"
	embedAudience = "tarn:embed"
)

// EmbedSecret is the secret of the deployment that embed tokens are signed with. Those that
// were signed with its previous value are good; deleting it ends them all within a minute.
const EmbedSecret secret.Name = "embeds"

// Embeds makes embed tokens and recognises them. It must not be copied.
type Embeds struct {
	Secrets secret.Store
	Now     func() time.Time
	Random  io.Reader // crypto/rand.Reader, but for tests

	signs signingSecret
}

type embedClaims struct {
	jwt.Claims
	Tenant tenant.ID `json:"tenant"`
	Embed  Embed     `json:"embed"`
}

// Mint makes a token that is good until a time. By is set to who makes it.
func (e *Embeds) Mint(ctx context.Context, by Principal, what Embed, expires time.Time) (string, error) {
	now := e.Now()
	what.By = Maker{ID: by.ID, Role: by.Role, Groups: by.Groups, Attributes: by.Attributes}
	text, err := json.Marshal(what)
	switch {
	case err != nil || len(text) > maxEmbed:
		return "", fault.New(fault.Invalid, "embed_too_large", "the filters, with the groups and attributes of who makes the token, take at most %d bytes", maxEmbed)
	case !expires.After(now) || expires.Sub(now) > MaxEmbedLife:
		return "", fault.New(fault.Invalid, "bad_expiry", "an embed token lives for %d hours at most", int(MaxEmbedLife.Hours())).WithHint("make a new one for each visit")
	case !by.Expires.IsZero() && expires.After(by.Expires):
		return "", fault.New(fault.Invalid, "bad_expiry", "the token would outlive your own credential, which is good until %s", by.Expires.UTC().Format(time.RFC3339))
	}
	signing, err := e.signs.get(ctx, EmbedSecret, e.Secrets, now, e.Random)
	if err != nil {
		return "", err
	}
	id, err := e.random(16)
	if err != nil {
		return "", err
	}
	token, err := signToken(signing.Current, embedClaims{Tenant: by.Tenant, Embed: what, Claims: jwt.Claims{
		ID: base64.RawURLEncoding.EncodeToString(id), Audience: jwt.Audience{embedAudience},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(expires),
	}})
	return embedPrefix + token, err
}

// Identify returns the principal that an embed token stands for: one without a role.
func (e *Embeds) Identify(ctx context.Context, token string) (Principal, error) {
	text, ok := strings.CutPrefix(token, embedPrefix)
	if !ok || len(token) > maxToken {
		return Principal{}, errEmbedToken()
	}
	now := e.Now()
	signing, err := e.signs.get(ctx, EmbedSecret, e.Secrets, now, nil)
	if fault.Is(err, fault.NotFound) {
		return Principal{}, errEmbedToken()
	}
	if err != nil {
		return Principal{}, err
	}
	var c embedClaims
	if !readToken(text, signing, &c) {
		return Principal{}, errEmbedToken()
	}
	if len(c.Audience) != 1 || c.Audience[0] != embedAudience || c.Expiry == nil || !now.Before(c.Expiry.Time()) ||
		c.IssuedAt == nil || c.IssuedAt.Time().After(now.Add(clockSkew)) || c.Tenant == "" || c.ID == "" || c.Embed.Saved == "" {
		return Principal{}, errEmbedToken()
	}
	return Principal{Tenant: c.Tenant, ID: "embed:" + c.ID, Expires: c.Expiry.Time(), Embed: &c.Embed}, nil
}

func (e *Embeds) random(bytes int) ([]byte, error) {
	b := make([]byte, bytes)
	if _, err := io.ReadFull(e.Random, b); err != nil {
		return nil, fmt.Errorf("random bytes for an embed token: %w", err)
	}
	return b, nil
}

func errEmbedToken() error {
	return fault.New(fault.Unauthenticated, "bad_embed_token", "this embed token is not valid").
		WithHint("it may have expired: ask who embeds the page for a new one")
}
