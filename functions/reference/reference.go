// Package reference holds the endpoints that are open to anyone: whether the
// service lives, what its API is, and where people sign in.
package reference

import (
	"context"
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/route"
)

// Deps is what the endpoints need.
type Deps struct {
	Issuer func(context.Context) (identity.Issuer, error)
	// Document returns the OpenAPI document. It is asked once for each request.
	Document func() ([]byte, error)
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.Health, d.health)
	api.Handle(s, route.SignIn, d.signIn)
	api.Raw(s, route.OpenAPI, nil, map[string]any{}, d.openAPI)
}

type health struct {
	Body struct {
		OK bool `json:"ok"`
	}
}

func (d Deps) health(context.Context, access.Principal, *struct{}) (*health, error) {
	out := &health{}
	out.Body.OK = true
	return out, nil
}

// SignIn tells a client how to sign people in.
type SignIn struct {
	Issuer        string `json:"issuer"`
	ClientID      string `json:"client_id"`
	Authorization string `json:"authorization" doc:"URL of the sign-in page: authorization code with PKCE (S256)"`
	Token         string `json:"token" doc:"URL of the token endpoint"`
	Logout        string `json:"logout,omitempty"`
}

func (d Deps) signIn(ctx context.Context, _ access.Principal, _ *struct{}) (*struct{ Body SignIn }, error) {
	i, err := d.Issuer(ctx)
	if err != nil {
		return nil, err
	}
	return &struct{ Body SignIn }{SignIn{i.URL, i.ClientID, i.Authorization, i.Token, i.Logout}}, nil
}

func (d Deps) openAPI(w http.ResponseWriter, _ *http.Request, _ access.Principal) error {
	text, err := d.Document()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(text)
	return err
}
