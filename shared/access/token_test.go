package access

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var issuer = identity.Issuer{URL: "https://sign.in/pool", ClientID: "console"}

func published() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: rsaKey().Public(), KeyID: "rsa", Algorithm: "RS256", Use: "sig"},
		{Key: ecKey().Public(), KeyID: "ec", Algorithm: "ES256", Use: "sig"},
		{Key: []byte("a shared secret that nobody should publish"), KeyID: "oct"},
	}}
}

func newTokens() *Tokens {
	return NewTokens(issuer, func(context.Context) (jose.JSONWebKeySet, error) { return published(), nil }, People{Table: &memory{}, Now: (&clock{noon}).now})
}

type object map[string]any

// sign makes a token of any claims with any key; a nil signer leaves it unsigned.
func sign(alg jose.SignatureAlgorithm, kid string, key any, claims object) string {
	payload := must(json.Marshal(claims))
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil))
	return must(must(signer.Sign(payload)).CompactSerialize())
}

// embedding is sign with the key in the header of the token, as an attacker would have
// it checked.
func embedding(t *testing.T, alg jose.SignatureAlgorithm, key any, claims object) string {
	t.Helper()
	header := object{"alg": alg, "kid": "rsa", "jwk": jose.JSONWebKey{Key: key}}
	if private, ok := key.(*rsa.PrivateKey); ok {
		header["jwk"] = jose.JSONWebKey{Key: private.Public(), KeyID: "rsa"}
	}
	return forged(t, header, alg, key, claims)
}

// forged is sign with a header of one's own.
func forged(t *testing.T, header object, alg jose.SignatureAlgorithm, key any, claims object) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	text := encode(must(json.Marshal(header))) + "." + encode(must(json.Marshal(claims)))
	sum := sha256.Sum256([]byte(text))
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return text + "." + encode(must(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])))
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		return text + "." + encode(mac.Sum(nil))
	}
	t.Fatalf("cannot sign %s with %T", alg, key)
	return ""
}

// accessClaims are those of a good access token, with changes; nil removes a claim.
func accessClaims(changes object) object {
	claims := object{
		"iss": issuer.URL, "sub": "u1", "client_id": issuer.ClientID, "token_use": "access",
		"exp": noon.Add(time.Hour).Unix(), "iat": noon.Unix(), "cognito:groups": []string{"viewer"},
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func idClaims(changes object) object {
	claims := accessClaims(object{"client_id": nil, "token_use": "id", "aud": issuer.ClientID})
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func TestATokenIdentifiesItsPerson(t *testing.T) {
	viewer := Principal{Tenant: "main", ID: "user:u1", Role: Viewer, Expires: noon.Add(time.Hour)}
	with := func(change func(*Principal)) Principal { p := viewer; change(&p); return p }
	groups := func(names ...string) object { return accessClaims(object{"cognito:groups": names}) }
	for claim, c := range map[string]struct {
		token string
		want  Principal
	}{
		"an access token signed with RS256":          {sign(jose.RS256, "rsa", rsaKey(), accessClaims(nil)), viewer},
		"an access token signed with ES256":          {sign(jose.ES256, "ec", ecKey(), accessClaims(nil)), viewer},
		"an ID token":                                {sign(jose.RS256, "rsa", rsaKey(), idClaims(nil)), viewer},
		"an ID token for several audiences":          {sign(jose.RS256, "rsa", rsaKey(), idClaims(object{"aud": []string{"x", "console"}})), viewer},
		"an ID token of an issuer without token_use": {sign(jose.RS256, "rsa", rsaKey(), idClaims(object{"token_use": nil})), viewer},
		"an issuer whose clock is a little ahead":    {sign(jose.RS256, "rsa", rsaKey(), accessClaims(object{"nbf": noon.Unix() + 20, "iat": noon.Unix() + 20})), viewer},
		"a person in no group":                       {sign(jose.RS256, "rsa", rsaKey(), accessClaims(object{"cognito:groups": nil})), with(func(p *Principal) { p.Role = "" })},
		"the highest of several roles counts":        {sign(jose.RS256, "rsa", rsaKey(), groups("viewer", "admin", "analyst")), with(func(p *Principal) { p.Role = Admin })},
		"groups that are no roles are for rules":     {sign(jose.RS256, "rsa", rsaKey(), groups("Owner", "staff", "viewer")), with(func(p *Principal) { p.Groups = []string{"Owner", "staff"} })},
		"a tenant's group puts the person there":     {sign(jose.RS256, "rsa", rsaKey(), groups("tenant:acme", "owner")), with(func(p *Principal) { p.Tenant, p.Role = "acme", Owner })},
	} {
		t.Run(claim, func(t *testing.T) {
			got, err := newTokens().Identify(t.Context(), c.token)
			if err != nil {
				t.Fatal(err)
			}
			got.Expires = got.Expires.UTC()
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATokenIsRefused(t *testing.T) {
	good := sign(jose.RS256, "rsa", rsaKey(), accessClaims(nil))
	parts := strings.Split(good, ".")
	spki := must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	encode := base64.RawURLEncoding.EncodeToString
	rs := func(changes object) string { return sign(jose.RS256, "rsa", rsaKey(), accessClaims(changes)) }
	header := func(changes object) string {
		h := object{"alg": "RS256", "kid": "rsa"}
		maps.Copy(h, changes)
		return forged(t, h, jose.RS256, otherKey(), accessClaims(nil))
	}
	id := func(changes object) string { return sign(jose.RS256, "rsa", rsaKey(), idClaims(changes)) }
	for claim, token := range map[string]string{
		"at the moment it expires":                 rs(object{"exp": noon.Unix()}),
		"when it expired long ago":                 rs(object{"exp": 1}),
		"when it never expires":                    rs(object{"exp": nil}),
		"when it is not valid yet":                 rs(object{"nbf": noon.Add(time.Minute).Unix()}),
		"when it was issued in the future":         rs(object{"iat": noon.Add(time.Minute).Unix()}),
		"of another issuer":                        rs(object{"iss": "https://sign.in/other"}),
		"without an issuer":                        rs(object{"iss": nil}),
		"of another client":                        rs(object{"client_id": "other"}),
		"of a client that only is in the audience": rs(object{"client_id": nil, "aud": "console"}),
		"without a subject":                        rs(object{"sub": ""}),
		"for another use":                          rs(object{"token_use": "refresh"}),
		"with groups that are no list":             rs(object{"cognito:groups": "owner"}),
		"for another audience":                     id(object{"aud": "other"}),
		"for no audience":                          id(object{"aud": nil}),
		"for a client instead of an audience":      id(object{"aud": nil, "client_id": "console"}),
		"with alg none":                            encode([]byte(`{"alg":"none","kid":"rsa"}`)) + "." + parts[1] + ".",
		"with alg none and the old signature":      encode([]byte(`{"alg":"none","kid":"rsa"}`)) + "." + parts[1] + "." + parts[2],
		"with HS256 by the public key in DER":      sign(jose.HS256, "rsa", spki, accessClaims(nil)),
		"with HS256 by the public key in PEM":      sign(jose.HS256, "rsa", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), accessClaims(nil)),
		"with HS256 by a published secret":         sign(jose.HS256, "oct", []byte("a shared secret that nobody should publish"), accessClaims(nil)),
		"with RS512":                               sign(jose.RS512, "rsa", rsaKey(), accessClaims(nil)),
		"with PS256":                               sign(jose.PS256, "rsa", rsaKey(), accessClaims(nil)),
		"signed by another's key of that name":     sign(jose.RS256, "rsa", otherKey(), accessClaims(nil)),
		"signed by a key of another kind":          sign(jose.ES256, "rsa", ecKey(), accessClaims(nil)),
		"of an unknown key":                        sign(jose.RS256, "new", rsaKey(), accessClaims(nil)),
		"of no key":                                sign(jose.RS256, "", rsaKey(), accessClaims(nil)),
		"with an altered payload":                  parts[0] + "." + encode([]byte(`{"iss":"https://sign.in/pool","sub":"u2"}`)) + "." + parts[2],
		"with an altered signature":                parts[0] + "." + parts[1] + "." + encode(make([]byte, 256)),
		"without its signature":                    parts[0] + "." + parts[1] + ".",
		"with a fourth part":                       good + ".e30",
		"with its own key in the header":           embedding(t, jose.RS256, otherKey(), accessClaims(nil)),
		"with a secret key in the header":          embedding(t, jose.HS256, []byte("a secret"), accessClaims(nil)),
		"with the address of its key":              header(object{"jku": "https://evil.example/jwks"}),
		"with a certificate of its own":            header(object{"x5c": []string{"MIIB"}}),
		"with a key id that climbs to a file":      header(object{"kid": "../../../../dev/null"}),
		"with a key id that is a question":         header(object{"kid": "rsa' or '1'='1"}),
		"with a key id that is an address":         header(object{"kid": "https://evil.example/key"}),
		"with a key id that is no text":            header(object{"kid": object{"rsa": 1}}),
		"with a nil key id":                        header(object{"kid": nil}),
		"with what it says must be understood":     forged(t, object{"alg": "RS256", "kid": "rsa", "crit": []string{"exp"}, "exp": 1}, jose.RS256, rsaKey(), accessClaims(nil)),
		"with an unencoded payload":                forged(t, object{"alg": "RS256", "kid": "rsa", "crit": []string{"b64"}, "b64": false}, jose.RS256, rsaKey(), accessClaims(nil)),
		"with alg none in another case":            encode([]byte(`{"alg":"nOnE","kid":"rsa"}`)) + "." + parts[1] + ".",
		"with an empty alg":                        encode([]byte(`{"alg":"","kid":"rsa"}`)) + "." + parts[1] + "." + parts[2],
		"with HS256 by the modulus":                sign(jose.HS256, "rsa", rsaKey().N.Bytes(), accessClaims(nil)),
		"with HS256 by its key id":                 forged(t, object{"alg": "HS256", "kid": "rsa"}, jose.HS256, []byte("rsa"), accessClaims(nil)),
		"with HS256 by nothing":                    forged(t, object{"alg": "HS256", "kid": ""}, jose.HS256, []byte{}, accessClaims(nil)),
		"when it is empty":                         "",
		"when it is garbage":                       "garbage",
		"when it is dots":                          "..",
		"when it is JSON":                          `{"payload":"e30","signatures":[]}`,
		"when it is huge":                          strings.Repeat("a", maxToken) + "." + parts[1] + "." + parts[2],
	} {
		t.Run(claim, func(t *testing.T) {
			got, err := newTokens().Identify(t.Context(), token)
			if !fault.Is(err, fault.Unauthenticated) || !got.IsNobody() {
				t.Errorf("got %+v, %v, want nobody and Unauthenticated", got, err)
			}
		})
	}
}

func TestAPersonOfTwoTenantsIsDenied(t *testing.T) {
	for _, groups := range [][]string{{"tenant:a", "tenant:b"}, {"tenant:"}, {"tenant:A B"}} {
		token := sign(jose.RS256, "rsa", rsaKey(), accessClaims(object{"cognito:groups": groups}))
		if got, err := newTokens().Identify(t.Context(), token); !fault.Is(err, fault.Denied) {
			t.Errorf("groups %q: %+v, %v, want Denied", groups, got, err)
		}
	}
}

// rotating is a source whose keys and health the test changes.
type rotating struct {
	mu      sync.Mutex
	keys    map[string]any
	err     error
	fetches int
}

func (r *rotating) source(context.Context) (jose.JSONWebKeySet, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetches++
	var set jose.JSONWebKeySet
	for id, key := range r.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key, KeyID: id})
	}
	return set, r.err
}

func newRotating() (*rotating, *Tokens, *clock) {
	r, clk := &rotating{keys: map[string]any{"old": rsaKey().Public()}}, &clock{noon}
	return r, NewTokens(issuer, r.source, People{Table: &memory{}, Now: clk.now}), clk
}

func longLived(kid string, key any) string {
	return sign(jose.RS256, kid, key, accessClaims(object{"exp": noon.Add(1000 * time.Hour).Unix()}))
}

func accepts(t *testing.T, tokens *Tokens, token string, want bool) {
	t.Helper()
	_, err := tokens.Identify(t.Context(), token)
	if want && err != nil || !want && !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("accepted: %v, want %v", err, want)
	}
}

func TestANewKeyIsFetchedWhenATokenNamesIt(t *testing.T) {
	r, tokens, clk := newRotating()
	accepts(t, tokens, longLived("old", rsaKey()), true)
	r.keys["new"] = otherKey().Public()
	clk.Time = clk.Add(refetchWait)
	accepts(t, tokens, longLived("new", otherKey()), true)
	accepts(t, tokens, longLived("old", rsaKey()), true)
	if r.fetches != 2 {
		t.Errorf("%d fetches, want 2", r.fetches)
	}
}

func TestMadeUpKeyIDsCostOneFetchAtATime(t *testing.T) {
	r, tokens, clk := newRotating()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { accepts(t, tokens, longLived(rand.Text(), otherKey()), false) })
	}
	all.Wait()
	if r.fetches != 1 {
		t.Errorf("%d fetches for 50 unknown keys, want 1", r.fetches)
	}
	clk.Time = clk.Add(refetchWait)
	accepts(t, tokens, longLived("made up", otherKey()), false)
	if r.fetches != 2 {
		t.Errorf("%d fetches, want 2", r.fetches)
	}
}

func TestAWithdrawnKeyDiesWithinTheHour(t *testing.T) {
	r, tokens, clk := newRotating()
	accepts(t, tokens, longLived("old", rsaKey()), true)
	r.keys = map[string]any{"new": otherKey().Public()}
	clk.Time = clk.Add(keysFresh - 1)
	accepts(t, tokens, longLived("old", rsaKey()), true)
	clk.Time = clk.Add(1)
	accepts(t, tokens, longLived("old", rsaKey()), false)
}

func TestKnownKeysStayGoodWhileTheSourceIsDown(t *testing.T) {
	r, tokens, clk := newRotating()
	accepts(t, tokens, longLived("old", rsaKey()), true)
	r.err = errors.New("down")
	clk.Time = clk.Add(2 * keysFresh)
	accepts(t, tokens, longLived("old", rsaKey()), true)
	accepts(t, tokens, longLived("new", otherKey()), false)
}

func TestWithoutAnyKeysTheAnswerIsLaterNotNo(t *testing.T) {
	r, tokens, clk := newRotating()
	r.err = errors.New("down")
	for range 3 {
		if _, err := tokens.Identify(t.Context(), longLived("old", rsaKey())); !fault.Is(err, fault.Unavailable) || !errors.Is(err, r.err) {
			t.Errorf("got %v, want Unavailable because %v", err, r.err)
		}
	}
	if r.fetches != 1 {
		t.Errorf("%d fetches at once, want 1", r.fetches)
	}
	r.err = nil
	clk.Time = clk.Add(firstWait)
	accepts(t, tokens, longLived("old", rsaKey()), true)
}

func TestACallerWhoHangsUpFailsNobodyElse(t *testing.T) {
	_, tokens, _ := newRotating()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = tokens.Identify(ctx, longLived("old", rsaKey())) // nobody waits for the answer
	accepts(t, tokens, longLived("old", rsaKey()), true)
}

func TestPublishedKeysAreReadOverHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jwks" {
			http.NotFound(w, r)
			return
		}
		if err := json.NewEncoder(w).Encode(published()); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	set, err := PublishedKeys(server.Client(), server.URL+"/jwks")(t.Context())
	if err != nil || len(set.Key("rsa")) != 1 {
		t.Errorf("got %d keys, %v", len(set.Keys), err)
	}
	if _, err := PublishedKeys(server.Client(), server.URL+"/none")(t.Context()); err == nil {
		t.Error("404 gave keys")
	}
}

func FuzzToken(f *testing.F) {
	f.Add(sign(jose.RS256, "rsa", otherKey(), accessClaims(nil)))
	f.Add(sign(jose.HS256, "oct", []byte("a shared secret that nobody should publish"), idClaims(nil)))
	f.Add("..")
	f.Add("e30.e30.e30")
	f.Add("")
	tokens := newTokens()
	f.Fuzz(func(t *testing.T, token string) {
		if p, err := tokens.Identify(t.Context(), token); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%q: %+v, %v, want Unauthenticated", token, p, err)
		}
	})
}
