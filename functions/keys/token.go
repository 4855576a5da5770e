package keys

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
)

// tokenRequest is a request for a token, as a form.
type tokenRequest struct {
	Grant  string `json:"grant_type" enum:"client_credentials"`
	Scope  string `json:"scope,omitempty" doc:"actions with spaces between them, of those that the key may do; absent: all of them" example:"query:run"`
	ID     string `json:"client_id,omitempty" doc:"the key's id, where no Authorization header says it"`
	Secret string `json:"client_secret,omitempty" doc:"the key itself, likewise"`
}

// issuedToken is the answer, in the words of RFC 6749.
type issuedToken struct {
	Token string `json:"access_token"`
	Type  string `json:"token_type" example:"Bearer"`
	Life  int    `json:"expires_in" doc:"seconds"`
	Scope string `json:"scope" doc:"all that the token may do"`
}

// token gives a service account a short-lived token for its key. It identifies the caller
// itself: the key may stand in the body, and nothing else than a key will do.
func (h *handler) token(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	body, err := api.Body(r)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = nil // no client's
	}
	id, secret, err := credentials(r, form)
	if err != nil {
		return err
	}
	caller, err := h.identify(r, id, secret)
	if err != nil {
		return err
	}
	caller.Scopes = nil // to take a token of one's own scopes, no scope is needed
	if err := h.server.Identified(r, route.CreateToken, caller, caller.Dataset); err != nil {
		return err
	}
	for name, values := range form {
		if len(values) > 1 {
			return invalidRequest("%.40q is there twice", name)
		}
	}
	if got := form.Get("grant_type"); got != "client_credentials" {
		return fault.New(fault.Invalid, "unsupported_grant_type", "the grant_type is %.40q", got).WithHint("send a form with grant_type=client_credentials")
	}
	var scopes []access.Action
	for _, word := range strings.Fields(form.Get("scope")) {
		scopes = append(scopes, access.Action(word))
	}
	grant, err := h.Clients.Mint(r.Context(), secret, scopes)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(issuedToken{Token: grant.Token, Type: "Bearer",
		Life: int(grant.Expires.Sub(h.Clients.Keys.Now()) / time.Second), Scope: scopeText(grant.Scopes)})
}

// identify returns whose key a secret is, which is the named one if there is a name.
func (h *handler) identify(r *http.Request, id, secret string) (access.Principal, error) {
	caller, err := h.Clients.Keys.Identify(r.Context(), secret)
	if fault.Is(err, fault.Unauthenticated) || err == nil && id != "" && subtle.ConstantTimeCompare([]byte(caller.ID), []byte("key:"+id)) != 1 {
		return access.Principal{}, invalidClient()
	}
	return caller, err
}

// credentials returns what a client proves itself by: Basic with the key's id and the key,
// the same in the body, or the key as it is sent everywhere else.
func credentials(r *http.Request, form url.Values) (id, secret string, err error) {
	inBody := form.Has("client_id") || form.Has("client_secret")
	header := r.Header.Get("Authorization")
	switch {
	case inBody && header != "":
		return "", "", invalidRequest("the client proves itself twice: in the header and in the body")
	case inBody:
		return form.Get("client_id"), form.Get("client_secret"), nil
	}
	if name, password, ok := r.BasicAuth(); ok && password != "" {
		return name, password, nil
	} else if ok {
		return "", name, nil
	}
	_, key, _ := strings.Cut(header, " ")
	return "", strings.TrimSpace(key), nil
}

func scopeText(scopes []access.Action) string {
	words := make([]string, 0, len(scopes))
	for _, s := range scopes {
		words = append(words, string(s))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// The codes are those of RFC 6749, section 5.2.

func invalidRequest(format string, args ...any) error {
	return fault.New(fault.Invalid, "invalid_request", format, args...)
}

func invalidClient() error {
	return fault.New(fault.Unauthenticated, "invalid_client", "this is not a key in use").
		WithHint("send the key's id as client_id and the key as client_secret, by Basic or in the form")
}
