package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// SecretOf returns the secret of this name.
type SecretOf func(ctx context.Context, name string) (string, error)

// Surroundings are what a Party needs of the process.
type Surroundings struct {
	Client *http.Client // of package outbound: the addresses are an operator's, what they name is not
	Secret SecretOf
	Now    func() time.Time
	Home   string // the URL below which the provider's answers arrive: "…/oidc/with/google"

	// Once returns fault.Conflict for an id that it was given before.
	Once func(ctx context.Context, id string) error
}

// Open returns the party that asks a provider. It calls nobody.
func Open(p Provider, s Surroundings) (Party, error) {
	if p.Kind == SAML {
		return openSAML(p, s)
	}
	return &issuer{provider: p, with: s}, nil
}

// issuer is the Party of an OpenID Connect issuer: authorization code with PKCE (RFC
// 7636), state, nonce and the issuer's name in its answer (RFC 9207).
type issuer struct {
	provider Provider
	with     Surroundings
	known    memory[configuration]
}

// configuration is what an issuer says of itself.
type configuration struct {
	*oidc.Provider
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"`
	Methods       []string `json:"token_endpoint_auth_methods_supported"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	Person        string   `json:"userinfo_endpoint"`
}

// algorithms are those that an ID token may be signed by: what it says itself counts for
// nothing, and none of them is symmetric.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.PS256, oidc.PS384, oidc.EdDSA}

// Begin implements Party.
func (i *issuer) Begin(ctx context.Context, v Visit) (Errand, error) {
	c, err := i.configuration(ctx)
	if err != nil {
		return Errand{}, err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(v.Nonce), oauth2.S256ChallengeOption(v.Verifier)}
	if v.Anew {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	client := i.client(c, "")
	return Errand{URL: client.AuthCodeURL(v.State, options...)}, nil
}

// Finish implements Party.
func (i *issuer) Finish(ctx context.Context, v Visit, answer url.Values) (Person, error) {
	c, err := i.configuration(ctx)
	if err != nil {
		return Person{}, err
	}
	if from := answer.Get("iss"); from != i.provider.Issuer && (from != "" || c.NamesItself) {
		return Person{}, refused(fmt.Errorf("the answer is of issuer %.200q", from))
	}
	if problem := answer.Get("error"); problem != "" {
		return Person{}, refused(fmt.Errorf("the issuer answers with the error %.200q", problem))
	}
	if answer.Get("code") == "" {
		return Person{}, refused(errors.New("the answer has no code"))
	}
	token, err := i.redeem(ctx, c, answer.Get("code"), v.Verifier)
	if err != nil {
		return Person{}, err
	}
	who, err := i.read(ctx, c, token, v.Nonce)
	if err != nil || who.Email != "" && (len(who.Groups) > 0 || i.provider.GroupsClaim == "") {
		return who, err
	}
	return i.ask(ctx, c, token, who)
}

// redeem returns the tokens that a code stands for.
func (i *issuer) redeem(ctx context.Context, c *configuration, code, verifier string) (*oauth2.Token, error) {
	secret := ""
	if i.provider.Secret != "" {
		var err error
		if secret, err = i.with.Secret(ctx, i.provider.Secret); err != nil {
			return nil, fmt.Errorf("the secret of provider %s: %w", i.provider.Name, err)
		}
	}
	client := i.client(c, secret)
	ctx = context.WithValue(ctx, oauth2.HTTPClient, i.with.Client)
	token, err := client.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if told := (*oauth2.RetrieveError)(nil); errors.As(err, &told) && told.Response.StatusCode < http.StatusInternalServerError {
		return nil, refused(fmt.Errorf("the token endpoint answers %d %.200q", told.Response.StatusCode, told.ErrorCode))
	}
	if err != nil {
		return nil, unreachable(err)
	}
	return token, nil
}

// read checks an ID token and returns whom it names (OpenID Connect Core, 3.1.3.7).
func (i *issuer) read(ctx context.Context, c *configuration, from *oauth2.Token, nonce string) (Person, error) {
	raw, _ := from.Extra("id_token").(string)
	if raw == "" {
		return Person{}, refused(errors.New("the token endpoint gives no ID token"))
	}
	verifier := c.VerifierContext(oidc.ClientContext(ctx, i.with.Client),
		&oidc.Config{ClientID: i.provider.ClientID, SupportedSigningAlgs: algorithms, Now: i.with.Now})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return Person{}, refused(err)
	}
	var claims struct {
		Authorized string `json:"azp"`
		Email      string `json:"email"`
		Verified   truth  `json:"email_verified"`
	}
	all := map[string]any{}
	if err := errors.Join(token.Claims(&claims), token.Claims(&all)); err != nil {
		return Person{}, refused(err)
	}
	switch {
	case token.Nonce == "" || token.Nonce != nonce:
		return Person{}, refused(errors.New("the nonce is not ours"))
	case len(token.Audience) > 1 && claims.Authorized == "", claims.Authorized != "" && claims.Authorized != i.provider.ClientID:
		return Person{}, refused(fmt.Errorf("the token is authorized for %.200q", claims.Authorized))
	case token.IssuedAt.After(i.with.Now().Add(skew)):
		return Person{}, refused(fmt.Errorf("the token is of the future: %s", token.IssuedAt))
	case token.Subject == "":
		return Person{}, refused(errors.New("the token names nobody"))
	}
	return Person{Issuer: i.provider.Issuer, Subject: token.Subject, Email: claims.Email, Verified: bool(claims.Verified),
		Groups: texts(all[i.provider.GroupsClaim])}, nil
}

// ask completes a person by what the issuer tells the bearer of the access token: some put
// no more into ID tokens than they must.
func (i *issuer) ask(ctx context.Context, c *configuration, token *oauth2.Token, who Person) (Person, error) {
	if c.UserInfoEndpoint() == "" {
		return who, nil
	}
	told, err := c.UserInfo(oidc.ClientContext(ctx, i.with.Client), oauth2.StaticTokenSource(token))
	if err != nil {
		return Person{}, unreachable(err)
	}
	all := map[string]any{}
	if err := told.Claims(&all); err != nil {
		return Person{}, refused(err)
	}
	if told.Subject != who.Subject { // OpenID Connect Core, 5.3.2
		return Person{}, refused(fmt.Errorf("the issuer tells of %.200q", told.Subject))
	}
	if who.Email == "" {
		who.Email, who.Verified = told.Email, told.EmailVerified
	}
	if len(who.Groups) == 0 {
		who.Groups = texts(all[i.provider.GroupsClaim])
	}
	return who, nil
}

func (i *issuer) client(c *configuration, secret string) *oauth2.Config {
	at := c.Endpoint()
	at.AuthStyle = oauth2.AuthStyleInHeader // what an issuer that says nothing takes
	if secret == "" || slices.Contains(c.Methods, "client_secret_post") {
		at.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: i.provider.ClientID, ClientSecret: secret, Endpoint: at,
		RedirectURL: i.with.Home + "/back", Scopes: i.provider.Scopes}
}

func (i *issuer) configuration(ctx context.Context) (*configuration, error) {
	return i.known.get(ctx, i.with.Now(), i.discover)
}

func (i *issuer) discover(ctx context.Context) (*configuration, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, i.with.Client), i.provider.Issuer)
	if err != nil {
		return nil, err
	}
	c := &configuration{Provider: found}
	if err := found.Claims(c); err != nil {
		return nil, err
	}
	if c.Person == "" {
		c.Person = c.Token
	}
	return c, cmp.Or(checkAddress(c.Authorization), checkAddress(c.Token), checkAddress(c.Keys), checkAddress(c.Person))
}

// truth is a boolean that some issuers write as text.
type truth bool

// UnmarshalJSON takes true and "true" for true and everything else for false.
func (t *truth) UnmarshalJSON(text []byte) error {
	*t = string(text) == "true" || string(text) == `"true"`
	return nil
}

// texts returns a claim that is a text or a list of them.
func texts(claim any) []string {
	if one, ok := claim.(string); ok {
		return []string{one}
	}
	var all []string
	list, _ := claim.([]any)
	for _, v := range list {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
