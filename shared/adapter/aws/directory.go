package aws

import (
	"context"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

// Directory is identity.Directory on a Cognito user pool whose users sign in with
// their e-mail address (UsernameAttributes: email). In such a pool a user's name is
// the token's "sub", but for people of other providers, whom Cognito names after those.
// Groups are created when they are first given.
type Directory struct {
	client       *cognito.Client
	pool, app    string
	domain       string
	issuer, jwks string
	once         func(*cognito.Options)
}

// NewDirectory opens the user pool with this id. The app client is the one that
// people sign in to; the domain is the URL of the pool's sign-in pages.
func NewDirectory(client *cognito.Client, pool, app, domain string) *Directory {
	issuer := issuerURL(client.Options(), pool)
	once := refusedOnly()
	return &Directory{
		client: client, pool: pool, app: app, domain: domain,
		issuer: issuer, jwks: issuer + "/.well-known/jwks.json",
		once: func(o *cognito.Options) { o.Retryer = once },
	}
}

func issuerURL(o cognito.Options, pool string) string {
	if o.BaseEndpoint != nil {
		return *o.BaseEndpoint + "/" + pool
	}
	return "https://cognito-idp." + o.Region + ".amazonaws.com/" + pool
}

// Issuer implements identity.Directory.
func (d *Directory) Issuer(context.Context) (identity.Issuer, error) {
	return identity.Issuer{
		URL: d.issuer, ClientID: d.app, JWKS: d.jwks,
		Authorization: d.domain + "/oauth2/authorize", Token: d.domain + "/oauth2/token", Logout: d.domain + "/logout",
	}, nil
}

// Create implements identity.Directory. Cognito needs several calls for it; when
// a later one fails the user is removed again. A crash in between leaves a user
// who cannot sign in until deleted.
func (d *Directory) Create(ctx context.Context, email, password string, groups []string) (identity.User, error) {
	return d.create(ctx, email, nil, groups, func(id string) error {
		_, err := d.client.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
			UserPoolId: &d.pool, Username: &id, Password: &password, Permanent: true,
		})
		return translate("directory", err)
	})
}

// Invite implements identity.Directory. Cognito's pages ask who signs in with a
// temporary password for another.
func (d *Directory) Invite(ctx context.Context, email string, groups []string) (identity.User, string, error) {
	password := newPassword()
	user, err := d.create(ctx, email, &password, groups, func(string) error { return nil })
	return user, password, err
}

// create makes a user, and removes them again when what comes next fails.
func (d *Directory) create(ctx context.Context, email string, temporary *string, groups []string, next func(id string) error) (identity.User, error) {
	out, err := d.client.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId: &d.pool, Username: &email, MessageAction: types.MessageActionTypeSuppress, TemporaryPassword: temporary,
		UserAttributes: []types.AttributeType{
			{Name: sdk.String("email"), Value: &email},
			{Name: sdk.String("email_verified"), Value: sdk.String("true")},
		},
	}, d.once)
	if err != nil {
		return identity.User{}, translate("directory", err)
	}
	user := userOf(*out.User)
	user.Groups = groups
	if err = next(user.ID); err == nil {
		err = d.joinAll(ctx, user)
	}
	if err != nil {
		_ = d.Delete(context.WithoutCancel(ctx), user.ID) // the first error says more
		return identity.User{}, err
	}
	return user, nil
}

func (d *Directory) joinAll(ctx context.Context, user identity.User) error {
	for _, group := range user.Groups {
		if err := d.join(ctx, user.ID, group); err != nil {
			return err
		}
	}
	return nil
}

// Find implements identity.Directory.
func (d *Directory) Find(ctx context.Context, email string) (identity.User, error) {
	return d.get(ctx, email)
}

// Get implements identity.Directory. Cognito takes an address for a name too, which is
// no id.
func (d *Directory) Get(ctx context.Context, id string) (user identity.User, err error) {
	err = d.named(ctx, id, func(name string) error {
		user, err = d.get(ctx, name)
		return err
	})
	if err == nil && user.ID != id {
		return identity.User{}, fault.New(fault.NotFound, "user_not_found", "there is no such user")
	}
	return user, err
}

// named does something by a user's name, which is nearly always the id. Where there is no
// user of that name, it is somebody of another provider, whose name has to be looked up.
func (d *Directory) named(ctx context.Context, id string, do func(name string) error) error {
	err := do(id)
	if !fault.Is(err, fault.NotFound) || strings.Trim(id, "0123456789abcdef-") != "" {
		return err
	}
	out, lookup := d.client.ListUsers(ctx, &cognito.ListUsersInput{UserPoolId: &d.pool, Limit: sdk.Int32(1), Filter: sdk.String(`sub = "` + id + `"`)})
	if lookup != nil {
		return translate("directory", lookup)
	}
	if len(out.Users) == 0 || sdk.ToString(out.Users[0].Username) == id {
		return err
	}
	return do(*out.Users[0].Username)
}

func (d *Directory) get(ctx context.Context, name string) (identity.User, error) {
	out, err := d.client.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &d.pool, Username: &name})
	if err != nil {
		return identity.User{}, translate("directory", err)
	}
	user := userOf(types.UserType{Username: out.Username, Attributes: out.UserAttributes, Enabled: out.Enabled})
	user.Groups, err = d.groups(ctx, sdk.ToString(out.Username))
	return user, err
}

// maxUsers is the longest page that Cognito returns.
const maxUsers = 60

// List implements identity.Directory. It asks for the groups user by user, since
// Cognito lists them in no other way.
func (d *Directory) List(ctx context.Context, next string, limit int) ([]identity.User, string, error) {
	in := &cognito.ListUsersInput{UserPoolId: &d.pool, Limit: sdk.Int32(int32(max(1, min(limit, maxUsers))))} // #nosec G115 -- at most maxUsers
	if next != "" {
		in.PaginationToken = &next
	}
	out, err := d.client.ListUsers(ctx, in)
	if err != nil {
		return nil, "", translate("directory", err)
	}
	users := make([]identity.User, len(out.Users))
	for i, u := range out.Users {
		users[i] = userOf(u)
		if users[i].Groups, err = d.groups(ctx, sdk.ToString(u.Username)); err != nil {
			return nil, "", err
		}
	}
	return users, sdk.ToString(out.PaginationToken), nil
}

// SetGroups implements identity.Directory. It joins before it leaves, so that a
// failure in between leaves a user with too many groups rather than none.
func (d *Directory) SetGroups(ctx context.Context, id string, groups []string) error {
	return d.named(ctx, id, func(name string) error { return d.setGroups(ctx, name, groups) })
}

func (d *Directory) setGroups(ctx context.Context, name string, groups []string) error {
	current, err := d.groups(ctx, name)
	if err != nil {
		return err
	}
	for _, group := range groups {
		if slices.Contains(current, group) {
			continue
		}
		if err := d.join(ctx, name, group); err != nil {
			return err
		}
	}
	for _, group := range current {
		if slices.Contains(groups, group) {
			continue
		}
		if err := d.leave(ctx, name, group); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) groups(ctx context.Context, id string) ([]string, error) {
	var names []string
	in := &cognito.AdminListGroupsForUserInput{UserPoolId: &d.pool, Username: &id}
	for {
		out, err := d.client.AdminListGroupsForUser(ctx, in)
		if err != nil {
			return nil, translate("directory", err)
		}
		for _, group := range out.Groups {
			names = append(names, sdk.ToString(group.GroupName))
		}
		if out.NextToken == nil {
			return names, nil
		}
		in.NextToken = out.NextToken
	}
}

// join makes the group first: a group that nobody was in yet may not be there.
func (d *Directory) join(ctx context.Context, id, group string) error {
	_, err := d.client.CreateGroup(ctx, &cognito.CreateGroupInput{UserPoolId: &d.pool, GroupName: &group})
	if err != nil && codeOf(err) != "GroupExistsException" {
		return translate("directory", err)
	}
	_, err = d.client.AdminAddUserToGroup(ctx, &cognito.AdminAddUserToGroupInput{
		UserPoolId: &d.pool, Username: &id, GroupName: &group,
	})
	return translate("directory", err)
}

func (d *Directory) leave(ctx context.Context, id, group string) error {
	_, err := d.client.AdminRemoveUserFromGroup(ctx, &cognito.AdminRemoveUserFromGroupInput{
		UserPoolId: &d.pool, Username: &id, GroupName: &group,
	})
	return translate("directory", err)
}

// Disable implements identity.Directory.
func (d *Directory) Disable(ctx context.Context, id string) error {
	return d.named(ctx, id, func(name string) error {
		_, err := d.client.AdminDisableUser(ctx, &cognito.AdminDisableUserInput{UserPoolId: &d.pool, Username: &name})
		return translate("directory", err)
	})
}

// Enable implements identity.Directory.
func (d *Directory) Enable(ctx context.Context, id string) error {
	return d.named(ctx, id, func(name string) error {
		_, err := d.client.AdminEnableUser(ctx, &cognito.AdminEnableUserInput{UserPoolId: &d.pool, Username: &name})
		return translate("directory", err)
	})
}

// SignOut implements identity.Directory.
func (d *Directory) SignOut(ctx context.Context, id string) error {
	return d.named(ctx, id, func(name string) error {
		_, err := d.client.AdminUserGlobalSignOut(ctx, &cognito.AdminUserGlobalSignOutInput{UserPoolId: &d.pool, Username: &name})
		return translate("directory", err)
	})
}

// Delete implements identity.Directory.
func (d *Directory) Delete(ctx context.Context, id string) error {
	err := d.named(ctx, id, func(name string) error {
		_, err := d.client.AdminDeleteUser(ctx, &cognito.AdminDeleteUserInput{UserPoolId: &d.pool, Username: &name})
		return translate("directory", err)
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// userOf reads a user. The id is what tokens call them.
func userOf(u types.UserType) identity.User {
	user := identity.User{ID: sdk.ToString(u.Username), Disabled: !u.Enabled}
	for _, a := range u.Attributes {
		switch sdk.ToString(a.Name) {
		case "sub":
			user.ID = sdk.ToString(a.Value)
		case "email":
			user.Email = sdk.ToString(a.Value)
		}
	}
	return user
}
