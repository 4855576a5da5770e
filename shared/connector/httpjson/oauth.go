package httpjson

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tarnhq/tarn/shared/fault"
)

// tokens gets tokens for client credentials (RFC 6749, 4.4), and keeps one while it is good.
type tokens struct {
	config clientcredentials.Config
	client *http.Client
	now    func() time.Time
	token  string
	until  time.Time // zero: for as long as it is taken
}

// early is how long before its end a token is used no more: a request takes its time.
const early = 30 * time.Second

func newTokens(d Driver, a address, s *auth) *tokens {
	client := *d.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error {
		return fault.New(fault.Invalid, "other_host", "the token_url leads elsewhere: the credential is not sent there").WithHint("give the URL that it leads to")
	}
	password, _ := a.user.Password()
	t := &tokens{client: &client, now: d.Now, config: clientcredentials.Config{
		ClientID: a.user.Username(), ClientSecret: password, TokenURL: s.TokenURL,
		Scopes: strings.Fields(s.Scope), AuthStyle: oauth2.AuthStyleInHeader,
	}}
	if s.Client == inBody {
		t.config.AuthStyle = oauth2.AuthStyleInParams
	}
	if s.Audience != "" {
		t.config.EndpointParams = url.Values{"audience": {s.Audience}}
	}
	return t
}

// get returns a token, and whether it is a new one.
func (t *tokens) get(ctx context.Context) (token string, fresh bool, err error) {
	if t.token != "" && (t.until.IsZero() || t.now().Before(t.until)) {
		return t.token, false, nil
	}
	got, err := t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return "", false, tokenFault(err)
	}
	t.token, t.until = got.AccessToken, time.Time{}
	if !got.Expiry.IsZero() {
		life := time.Until(got.Expiry)
		t.until = t.now().Add(life - min(early, life/10))
	}
	return t.token, true, nil
}

// forget makes the next token a new one.
func (t *tokens) forget() { t.token = "" }

// tokenFault says why there is no token. What the server wrote may hold the secret, so
// nothing of it is passed on.
func tokenFault(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		var network *url.Error
		if errors.As(err, &network) {
			return unreachable(err)
		}
		return fault.New(fault.Unavailable, "bad_token", "what the token_url answers is no token")
	}
	status := refused.Response.StatusCode
	switch refused.ErrorCode { // RFC 6749, 5.2
	case "invalid_client", "unauthorized_client":
		status = http.StatusUnauthorized
	case "invalid_scope", "invalid_request", "unsupported_grant_type":
		return fault.New(fault.Invalid, "token_refused", "the token_url answers %s", refused.ErrorCode).
			WithHint("look at scope, audience and client of auth in the settings")
	}
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		return fault.New(fault.Unavailable, "source_unavailable", "the token_url answers %d", status)
	default:
		return refusal("the token_url", status)
	}
}
