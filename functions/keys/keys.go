// Package keys holds the endpoints that manage a tenant's API keys, the one that gives
// tokens for them, and the one that tells a caller who they are.
package keys

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Deps is what the endpoints need.
type Deps struct {
	Keys    access.Keys
	Usage   *access.Usage
	Clients *access.Clients
}

// handler serves the endpoint whose callers it identifies itself.
type handler struct {
	Deps
	server *api.Server
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.CreateKey, d.create)
	api.Handle(s, route.ListKeys, d.list)
	api.Handle(s, route.RotateKey, d.rotate)
	api.Handle(s, route.RevokeKey, d.revoke)
	api.Handle(s, route.GetSelf, self)
	api.Raw(s, route.CreateToken, tokenRequest{}, issuedToken{}, (&handler{d, s}).token)
}

// issued is a new key with its secret.
type issued struct {
	Body struct {
		access.Key
		Secret string `json:"key" doc:"the key itself, shown this once"`
	}
}

func (d Deps) create(ctx context.Context, caller access.Principal, in *struct{ Body access.KeySpec }) (*issued, error) {
	if err := caller.AllowGrant(in.Body.Role, in.Body.Scopes...); err != nil {
		return nil, err
	}
	out := &issued{}
	var err error
	out.Body.Key, out.Body.Secret, err = d.Keys.Create(ctx, caller.Tenant, in.Body)
	return out, err
}

// page is a page of the list.
type page struct {
	Keys []access.Key `json:"keys"`
	Next string       `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) list(ctx context.Context, caller access.Principal, in *struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Next  string `query:"next" maxLength:"1000"`
}) (*struct{ Body page }, error) {
	out := &struct{ Body page }{}
	var err error
	out.Body.Keys, out.Body.Next, err = d.Keys.List(ctx, caller.Tenant, in.Next, in.Limit)
	if err != nil {
		return nil, err
	}
	return out, d.Usage.Fill(ctx, caller.Tenant, out.Body.Keys)
}

// rotation is how to give a key a new secret.
type rotation struct {
	Overlap *int `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"how long the secret before stays good; absent: a day"`
}

const dayOfSeconds = 24 * 60 * 60

func (d Deps) rotate(ctx context.Context, caller access.Principal, in *struct {
	ID   string `path:"key" maxLength:"100" doc:"the key's id, not the key"`
	Body *rotation
}) (*issued, error) {
	key, err := d.Keys.Get(ctx, caller.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	if err := caller.AllowGrant(key.Role, key.Scopes...); err != nil { // whoever rotates a key has it
		return nil, err
	}
	overlap := dayOfSeconds
	if in.Body != nil && in.Body.Overlap != nil {
		overlap = *in.Body.Overlap
	}
	out := &issued{}
	out.Body.Key, out.Body.Secret, err = d.Keys.Rotate(ctx, caller.Tenant, in.ID, time.Duration(overlap)*time.Second)
	return out, err
}

func (d Deps) revoke(ctx context.Context, caller access.Principal, in *struct {
	ID string `path:"key" maxLength:"100" doc:"the key's id, not the key"`
}) (*struct{}, error) {
	return nil, d.Keys.Revoke(ctx, caller.Tenant, in.ID)
}

// whoami is what a caller learns of themselves.
type whoami struct {
	Body struct {
		Tenant  tenant.ID       `json:"tenant"`
		ID      string          `json:"id" example:"key:0123456789abcdef"`
		Role    access.Role     `json:"role"`
		Dataset dataset.Name    `json:"dataset,omitempty" doc:"the only dataset the caller may touch; absent: any"`
		Expires time.Time       `json:"expires,omitzero" doc:"absent: never"`
		Actions []access.Action `json:"actions" doc:"what the caller may do"`

		Granted []access.Granted `json:"granted,omitempty" doc:"beside that, on single datasets and saved queries"`
	}
}

func self(_ context.Context, caller access.Principal, _ *struct{}) (*whoami, error) {
	out := &whoami{}
	out.Body.Tenant, out.Body.ID, out.Body.Role = caller.Tenant, caller.ID, caller.Role
	out.Body.Dataset, out.Body.Expires = caller.Dataset, caller.Expires
	out.Body.Actions, out.Body.Granted = caller.Actions(), caller.Granted
	return out, nil
}
