package httpjson

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tarnhq/tarn/shared/outbound"
)

// auth is how the credential of the DSN is sent. What is not told of is nil: HTTP basic,
// if the DSN has a user.
type auth struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`      // of a header
	Prefix   string `json:"prefix"`    // of the header's value
	TokenURL string `json:"token_url"` // of OAuth, as the rest
	Scope    string `json:"scope"`
	Audience string `json:"audience"`
	Client   string `json:"client"` // where client and secret are in the request of a token
}

// The kinds of auth.
const (
	byBasic  = "basic"
	byHeader = "header"
	byBearer = "bearer"
	byOAuth  = "oauth"
)

// Where client and secret are.
const (
	inBasic = "basic"
	inBody  = "body"
)

func (a *auth) kind() string {
	if a == nil {
		return byBasic
	}
	return a.Kind
}

func (a *auth) check(at address) error {
	if a == nil {
		return nil
	}
	oauth := a.Kind == byOAuth
	switch {
	case a.Kind != byBasic && a.Kind != byHeader && a.Kind != byBearer && !oauth:
		return bad("%.40q is no kind of auth", a.Kind).WithHint("use basic, header, bearer or oauth")
	case at.credential() == "":
		return bad("auth needs a credential, and the dsn has none").WithHint("https://user:secret@api.example.com/, or https://secret@api.example.com/ where there is no user")
	case a.Kind != byHeader && (a.Name != "" || a.Prefix != ""):
		return bad("name and prefix are of auth by header alone")
	case !oauth && (a.TokenURL != "" || a.Scope != "" || a.Audience != "" || a.Client != ""):
		return bad("token_url, scope, audience and client are of auth by oauth alone")
	case oauth:
		return a.checkOAuth(at)
	case a.Kind != byHeader:
		return nil
	}
	if http.CanonicalHeaderKey(a.Name) == "Authorization" {
		return checkHeader("X", a.Prefix)
	}
	return checkHeader(a.Name, a.Prefix)
}

// checkOAuth returns an error unless tokens can be had. The secret goes to hosts that the
// DSN names alone: who may change settings, which are no secret, could have it sent to
// themselves otherwise.
func (a *auth) checkOAuth(at address) error {
	if a.Client != "" && a.Client != inBasic && a.Client != inBody {
		return bad("the client is told in basic or in body")
	}
	u, err := url.Parse(a.TokenURL)
	if err != nil || outbound.CheckURL(a.TokenURL) != nil || u.Fragment != "" {
		return bad("the token_url is no URL").WithHint("https://login.example.com/oauth2/token")
	}
	if at.base.Scheme == "https" && u.Scheme != "https" {
		return bad("the token_url begins with http, and the dsn with https")
	}
	if !at.own(u) && !strings.EqualFold(u.Host, at.token) {
		return bad("the token_url is of another host than the dsn's").
			WithHint("end the dsn with # and the name of that host: https://client:secret@api.example.com/v2/#login.example.com")
	}
	return nil
}

// sign adds a credential to a request. Of OAuth it is a token.
func (a *auth) sign(r *http.Request, at address, token string) {
	switch a.kind() {
	case byBasic:
		if password, ok := at.user.Password(); ok || at.user.Username() != "" {
			r.SetBasicAuth(at.user.Username(), password)
		}
	case byHeader:
		r.Header.Set(a.Name, a.Prefix+at.credential())
	case byBearer:
		r.Header.Set("Authorization", "Bearer "+at.credential())
	case byOAuth:
		r.Header.Set("Authorization", "Bearer "+token)
	}
}
