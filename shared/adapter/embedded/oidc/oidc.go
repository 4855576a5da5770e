// Package oidc is the embedded implementation of port identity: a directory of
// people in a table, and an OpenID Connect provider in front of it for one public
// client, the console. People sign in with authorization code and PKCE on a page
// that it renders; tokens carry the claims that Cognito's carry. The protocol's
// rules are fosite's; pages, people, keys and storage are here.
package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
)

// ClientID is the one client, the console. Being public, it has no secret.
const ClientID = "console"

// How long what is issued lasts. A person signs in again after grantLife at the
// latest, however often the tokens were refreshed.
const (
	codeLife    = time.Minute
	tokenLife   = time.Hour
	grantLife   = 30 * 24 * time.Hour
	sessionLife = 12 * time.Hour
)

const (
	prefix  = "/oidc"
	maxForm = 64 << 10 // bytes

	maxAnswer = 512 << 10 // bytes of a SAML provider's, which lists its groups
)

// Config is what a Provider is made of.
type Config struct {
	Table   table.Table
	Secrets secret.Store // the keys that sign, and the seeds of second factors
	URL     string       // where the server is reached: "http://localhost:8080"
	Now     func() time.Time
	Random  io.Reader // crypto/rand.Reader, but for tests
	Log     *slog.Logger
	Told    func(context.Context, Event) // hears what happens; nil: nobody does

	Others   []federation.Provider // that people may sign in with too
	Outbound *http.Client          // calls them; of package outbound
	Secret   federation.SecretOf   // of their clients
}

// Provider is the directory and the provider.
type Provider struct {
	users    users
	seeds    seeds
	issuer   issuer
	sessions sessions
	attempts attempts
	visits   visits
	others   []other
	oauth    fosite.OAuth2Provider
	base     string
	now      func() time.Time
	log      *slog.Logger
	told     func(context.Context, Event)
}

// Open returns the provider of a table. At the first start it makes a signing key.
func Open(ctx context.Context, c Config) (*Provider, error) {
	base := strings.TrimSuffix(c.URL, "/")
	keys, err := openKeyring(ctx, c)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		users:    users{table: c.Table, random: c.Random, cost: owasp, hashing: make(chan struct{}, 2)},
		seeds:    seeds{secrets: c.Secrets, random: c.Random},
		issuer:   issuer{keys: keys, url: base + prefix, now: c.Now, random: c.Random},
		sessions: sessions{table: c.Table, now: c.Now, random: c.Random},
		attempts: attempts{table: c.Table, now: c.Now},
		visits:   visits{table: c.Table, now: c.Now, random: c.Random, base: base},
		base:     base,
		now:      c.Now,
		log:      c.Log,
		told:     c.Told,
	}
	p.oauth = newOAuth(grants{table: c.Table, now: c.Now, base: base}, p.issuer)
	p.others, err = openOthers(c, p.visits)
	return p, err
}

// Issuer describes where people sign in.
func (p *Provider) Issuer(context.Context) (identity.Issuer, error) {
	at := p.base + prefix
	return identity.Issuer{
		URL: at, ClientID: ClientID, JWKS: at + "/jwks",
		Authorization: at + "/authorize", Token: at + "/token", Logout: at + "/logout",
	}, nil
}

// Keys returns the public halves of the signing keys, for a verifier in the same
// process.
func (p *Provider) Keys(context.Context) (jose.JSONWebKeySet, error) {
	return p.issuer.keys.public(), nil
}

// Handler serves everything below /oidc/.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/oidc/.well-known/openid-configuration", anyOrigin(http.MethodGet, p.discovery))
	mux.Handle("/oidc/jwks", anyOrigin(http.MethodGet, p.jwks))
	mux.Handle("/oidc/token", anyOrigin(http.MethodPost, p.token))
	mux.Handle("/oidc/userinfo", anyOrigin(http.MethodGet, p.userinfo))
	// Browsers say which site a form was sent from: others' are refused.
	ownForms := http.NewCrossOriginProtection()
	mux.Handle("GET /oidc/authorize", http.HandlerFunc(p.askToSignIn))
	mux.Handle("POST /oidc/authorize", ownForms.Handler(http.HandlerFunc(p.signIn)))
	mux.Handle("GET "+factorPath, http.HandlerFunc(p.setUp))
	mux.Handle("POST "+factorPath, ownForms.Handler(http.HandlerFunc(p.confirm)))
	mux.Handle("GET /oidc/logout", http.HandlerFunc(p.logout))
	p.handleOthers(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxForm)
		if strings.HasPrefix(r.URL.Path, visitPath+"/") {
			most = maxAnswer
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

// anyOrigin serves what a page of any origin may ask for. No cookie is involved:
// who has the code, the verifier or the token may have the answer.
func anyOrigin(method string, h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		switch r.Method {
		case method:
			h(w, r)
		case http.MethodOptions:
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			w.Header().Set("Access-Control-Allow-Methods", method)
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Allow", method+", OPTIONS")
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})
}

// mayReturnTo reports whether a browser may be sent to the address with a code:
// the console, or a program on the person's own machine.
func mayReturnTo(base, address string) bool {
	if address == base+"/" {
		return true
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}

// The provider's items. All partitions begin with "identity/".
func at(partition, sort string) table.Key {
	return table.Key{Partition: "identity/" + partition, Sort: sort}
}

// hashed is how a code, a token or a cookie is kept: who reads the table cannot
// use it. They are random, so that a plain hash does.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// newSecret returns 256 random bits as text.
func newSecret(random io.Reader) (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", err
	}
	return hex.EncodeToString(b), nil
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
