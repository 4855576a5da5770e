// Package users holds the endpoints that manage a tenant's people.
package users

import (
	"context"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/people"
	"github.com/tarnhq/tarn/shared/route"
)

// Deps is what the endpoints need.
type Deps struct{ People people.People }

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.InviteUser, d.invite)
	api.Handle(s, route.ListUsers, d.list)
	api.Handle(s, route.ChangeUser, d.change)
	api.Handle(s, route.RemoveUser, d.remove)
	api.Handle(s, route.SignOutUser, d.signOut)
	api.Handle(s, route.ResetUser, d.reset)
}

// oneTime is what a person signs in with first.
type oneTime struct {
	Password string `json:"password" doc:"good for one sign-in, within a week; shown this once, and sent to nobody"`
}

// invited is a new person with the password of their first sign-in.
type invited struct {
	Body struct {
		people.Person
		oneTime
	}
}

func (d Deps) invite(ctx context.Context, caller access.Principal, in *struct{ Body people.Invitation }) (*invited, error) {
	out := &invited{}
	var err error
	out.Body.Person, out.Body.Password, err = d.People.Invite(ctx, caller, in.Body)
	return out, err
}

// page is a page of the list.
type page struct {
	Users []people.Person `json:"users"`
	Next  string          `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) list(ctx context.Context, caller access.Principal, in *struct {
	Limit int    `query:"limit" minimum:"1" maximum:"60" default:"60" doc:"a page may hold fewer, and none, while there is a next one"`
	Next  string `query:"next" maxLength:"3000"`
}) (*struct{ Body page }, error) {
	out := &struct{ Body page }{}
	var err error
	out.Body.Users, out.Body.Next, err = d.People.List(ctx, caller.Tenant, in.Next, in.Limit)
	return out, err
}

// userID is a person in a path.
type userID struct {
	ID string `path:"user" maxLength:"128"`
}

func (d Deps) change(ctx context.Context, caller access.Principal, in *struct {
	ID   string `path:"user" maxLength:"128"`
	Body people.Change
}) (*struct{ Body people.Person }, error) {
	person, err := d.People.Change(ctx, caller, in.ID, in.Body)
	return &struct{ Body people.Person }{person}, err
}

func (d Deps) remove(ctx context.Context, caller access.Principal, in *userID) (*struct{}, error) {
	return nil, d.People.Remove(ctx, caller, in.ID)
}

func (d Deps) signOut(ctx context.Context, caller access.Principal, in *userID) (*struct{}, error) {
	return nil, d.People.SignOut(ctx, caller, in.ID)
}

func (d Deps) reset(ctx context.Context, caller access.Principal, in *userID) (*struct{ Body oneTime }, error) {
	password, err := d.People.Reset(ctx, caller, in.ID)
	return &struct{ Body oneTime }{oneTime{password}}, err
}
