package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var reports = KeySpec{Name: "reports", Role: Analyst, Dataset: "web", Groups: []string{"emea"}, Attributes: map[string][]string{"country": {"CH"}},
	Scopes: []Action{RunQuery, RunSQL}}

// newClients has a key, with its secret.
func newClients(t *testing.T, spec KeySpec) (c *Clients, k *clock, key Key, secret string) {
	t.Helper()
	keys, _, k := newKeys()
	key, secret = create(t, keys, spec)
	return &Clients{Keys: keys, Secrets: &fake.Secrets{}}, k, key, secret
}

func mintFor(t *testing.T, c *Clients, secret string, scopes ...Action) Grant {
	t.Helper()
	got, err := c.Mint(t.Context(), secret, scopes)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAClientsTokenIsItsKeyForAWhile(t *testing.T) {
	c, _, key, text := newClients(t, reports)
	grant := mintFor(t, c, text)
	got, err := (&Authenticator{Keys: c.Keys, Clients: c}).IdentifyHeader(t.Context(), "Bearer "+grant.Token)
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Keys.Identify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	want.Expires = noon.Add(ClientTokenLife)
	if diff := cmp.Diff(want, got); diff != "" || got.ID != "key:"+key.ID {
		t.Errorf("-key +token:\n%s", diff)
	}
	if !grant.Expires.Equal(want.Expires) || !cmp.Equal(grant.Scopes, want.Actions()) {
		t.Errorf("told %v until %v", grant.Scopes, grant.Expires)
	}
}

func TestAClientMayAskForLessAndNotForMore(t *testing.T) {
	c, _, _, text := newClients(t, reports)
	got, err := c.Identify(t.Context(), mintFor(t, c, text, RunQuery).Token)
	if err != nil || !cmp.Equal(got.Scopes, []Action{RunQuery}) {
		t.Errorf("%v, %v", got.Scopes, err)
	}
	for _, scope := range []Action{ReadSelf, DeleteDataset, "nothing"} {
		if _, err := c.Mint(t.Context(), text, []Action{RunQuery, scope}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want Invalid", scope, err)
		}
	}
}

func TestATokenEndsWithItsKeyOrItsSecret(t *testing.T) {
	for claim, end := range map[string]func(*testing.T, *Clients, *clock, Key){
		"when it is old":                   func(_ *testing.T, _ *Clients, k *clock, _ Key) { k.Time = noon.Add(ClientTokenLife) },
		"when the key is revoked":          func(t *testing.T, c *Clients, _ *clock, key Key) { revoke(t, c, key) },
		"when the secret was rotated away": func(t *testing.T, c *Clients, _ *clock, key Key) { rotate(t, c, key, 0) },
		"when the secret's overlap is over": func(t *testing.T, c *Clients, k *clock, key Key) {
			rotate(t, c, key, time.Minute)
			k.Time = noon.Add(time.Minute)
		},
		"when the secret was rotated twice": func(t *testing.T, c *Clients, _ *clock, key Key) {
			rotate(t, c, key, time.Hour)
			rotate(t, c, key, time.Hour)
		},
		"when what signs tokens is taken away":  func(t *testing.T, c *Clients, _ *clock, _ Key) { remove(t, c) },
		"when what signs tokens changed, twice": func(t *testing.T, c *Clients, _ *clock, _ Key) { replace(t, c); replace(t, c) },
	} {
		t.Run(claim, func(t *testing.T) {
			c, k, key, text := newClients(t, reports)
			token := mintFor(t, c, text).Token
			if _, err := c.Identify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			end(t, c, k, key)
			c.signs = signingSecret{} // as a minute later
			if got, err := c.Identify(t.Context(), token); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%+v, %v, want Unauthenticated", got, err)
			}
		})
	}
}

func revoke(t *testing.T, c *Clients, key Key) {
	t.Helper()
	if err := c.Keys.Revoke(t.Context(), "main", key.ID); err != nil {
		t.Fatal(err)
	}
}

func rotate(t *testing.T, c *Clients, key Key, overlap time.Duration) string {
	t.Helper()
	_, text, err := c.Keys.Rotate(t.Context(), "main", key.ID, overlap)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func remove(t *testing.T, c *Clients) {
	t.Helper()
	if err := c.Secrets.Delete(t.Context(), secret.Deployment, ClientSecret); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, c *Clients) {
	t.Helper()
	if err := c.Secrets.Put(t.Context(), secret.Deployment, ClientSecret, secret.New([]byte(strings.Repeat("x", signingBytes)))); err != nil {
		t.Fatal(err)
	}
}

func TestATokenOutlivesNeitherItsKeyNorTheSecretItWasGivenFor(t *testing.T) {
	ending := reports
	ending.Expires = noon.Add(time.Minute)
	c, _, _, text := newClients(t, ending)
	if got := mintFor(t, c, text).Expires; !got.Equal(ending.Expires) {
		t.Errorf("until %v, want the key's end", got)
	}
	c, _, key, text := newClients(t, reports)
	fresh := rotate(t, c, key, 2*time.Minute)
	if got := mintFor(t, c, text).Expires; !got.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("of the secret before until %v, want its end", got)
	}
	if got := mintFor(t, c, fresh).Expires; !got.Equal(noon.Add(ClientTokenLife)) {
		t.Errorf("of the new secret until %v", got)
	}
}

func TestTokensOfBothSecretsAreGoodWhileTheyOverlap(t *testing.T) {
	c, _, key, text := newClients(t, reports)
	before := mintFor(t, c, text).Token
	after := mintFor(t, c, rotate(t, c, key, time.Hour)).Token
	for _, token := range []string{before, after} {
		if _, err := c.Identify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	replace(t, c) // what tokens are signed with has an overlap too
	c.signs = signingSecret{}
	if _, err := c.Identify(t.Context(), before); err != nil {
		t.Error(err)
	}
}

func TestARevokedKeysTokenIsForgottenWithinSeconds(t *testing.T) {
	c, k, key, text := newClients(t, reports)
	a := &Authenticator{Keys: c.Keys, Clients: c}
	token := "Bearer " + mintFor(t, c, text).Token
	if _, err := a.IdentifyHeader(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	revoke(t, c, key)
	k.Time = noon.Add(KeyMemory)
	if _, err := a.IdentifyHeader(t.Context(), token); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("%v, want Unauthenticated", err)
	}
}

func TestAClientsTokenThatWasAlteredOrMadeUpIsNobody(t *testing.T) {
	c, _, key, text := newClients(t, reports)
	token := mintFor(t, c, text).Token
	body := strings.TrimPrefix(token, clientPrefix)
	parts := strings.Split(body, ".")
	encode := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	claims := func(change func(*clientClaims)) clientClaims {
		made := clientClaims{Mark: markOf(hashSecret(text)), Claims: jwt.Claims{Subject: key.ID, Audience: jwt.Audience{clientAudience},
			IssuedAt: jwt.NewNumericDate(noon), Expiry: jwt.NewNumericDate(noon.Add(time.Minute))}}
		if change != nil {
			change(&made)
		}
		return made
	}
	signed := func(with []byte, change func(*clientClaims)) string {
		made, err := signToken(secret.New(with), claims(change))
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	own, err := c.Secrets.Get(t.Context(), secret.Deployment, ClientSecret)
	if err != nil {
		t.Fatal(err)
	}
	ours := own.Current.Reveal()
	if _, err := c.Identify(t.Context(), clientPrefix+signed(ours, nil)); err != nil {
		t.Fatalf("what this test makes is refused even unchanged: %v", err)
	}
	for claim, made := range map[string]string{
		"empty":                      "",
		"no token":                   "abc",
		"without its signature":      parts[0] + "." + parts[1] + ".",
		"signed by nothing":          encode(map[string]string{"alg": "none"}) + "." + parts[1] + ".",
		"with another's claims":      parts[0] + "." + encode(claims(nil)) + "." + parts[2],
		"signed by another secret":   signed([]byte(strings.Repeat("k", signingBytes)), nil),
		"signed by its key's hash":   signed(hashSecret(text), nil),
		"for another audience":       signed(ours, func(c *clientClaims) { c.Audience = jwt.Audience{embedAudience} }),
		"for two audiences":          signed(ours, func(c *clientClaims) { c.Audience = append(c.Audience, embedAudience) }),
		"for no audience":            signed(ours, func(c *clientClaims) { c.Audience = nil }),
		"of the future":              signed(ours, func(c *clientClaims) { c.IssuedAt = jwt.NewNumericDate(noon.Add(time.Hour)) }),
		"without an expiry":          signed(ours, func(c *clientClaims) { c.Expiry = nil }),
		"of no key":                  signed(ours, func(c *clientClaims) { c.Subject = "" }),
		"of an unknown key":          signed(ours, func(c *clientClaims) { c.Subject = "0000000000000000" }),
		"of a secret that was never": signed(ours, func(c *clientClaims) { c.Mark = markOf(hashSecret("x")) }),
		"of no secret":               signed(ours, func(c *clientClaims) { c.Mark = "" }),
		"too long":                   body + strings.Repeat("x", maxToken),
	} {
		if got, err := c.Identify(t.Context(), clientPrefix+made); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %+v, %v, want Unauthenticated", claim, got, err)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS512, Key: append(ours, ours...)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := jwt.Signed(signer).Claims(claims(nil)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Identify(t.Context(), clientPrefix+made); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("by another algorithm: %v", err)
	}
}

func TestATokenGivesNoToken(t *testing.T) {
	c, _, _, text := newClients(t, reports)
	if _, err := c.Mint(t.Context(), mintFor(t, c, text).Token, nil); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("%v, want Unauthenticated", err)
	}
}

func TestWithoutClientsTheirTokensAreNobody(t *testing.T) {
	c, _, _, text := newClients(t, reports)
	r := &http.Request{Header: http.Header{"Authorization": {"Bearer " + mintFor(t, c, text).Token}}}
	if got, err := (&Authenticator{Keys: c.Keys}).Identify(r); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMadeUpTokensCostNoReadsWhileNothingSignsTokens(t *testing.T) {
	keys, _, k := newKeys()
	store := &countingSecrets{}
	c := &Clients{Keys: keys, Secrets: store}
	for range 10 {
		if _, err := c.Identify(t.Context(), clientPrefix+"a.b.c"); !fault.Is(err, fault.Unauthenticated) {
			t.Fatal(err)
		}
	}
	if store.reads != 1 {
		t.Errorf("%d reads, want 1", store.reads)
	}
	k.Time = noon.Add(absentMemory)
	_, _ = c.Identify(t.Context(), clientPrefix+"a.b.c")
	if store.reads != 2 {
		t.Errorf("%d reads a moment later, want 2", store.reads)
	}
	_, text := create(t, keys, reports)
	if _, err := c.Identify(t.Context(), mintFor(t, c, text).Token); err != nil {
		t.Errorf("the first token is not known at once: %v", err)
	}
}

type countingSecrets struct {
	fake.Secrets
	reads int
}

func (s *countingSecrets) Get(ctx context.Context, owner tenant.ID, name secret.Name) (secret.Secret, error) {
	s.reads++
	return s.Secrets.Get(ctx, owner, name)
}
