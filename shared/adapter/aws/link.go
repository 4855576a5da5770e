package aws

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

// inviteLife is how long a user pool takes a one-time password, where nothing else is set.
const inviteLife = 7 * 24 * time.Hour

// Waiting returns whom a verified address belongs to, or fault.NotFound, and until when
// they wait for their first sign-in. The zero time: somebody signs in to the account.
func (d *Directory) Waiting(ctx context.Context, email string) (identity.User, time.Time, error) {
	none := fault.New(fault.NotFound, "user_not_found", "there is no such user")
	if !strings.Contains(email, "@") { // Cognito would take it for the name of a user
		return identity.User{}, time.Time{}, none
	}
	out, err := d.client.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &d.pool, Username: &email})
	if err != nil {
		return identity.User{}, time.Time{}, translate("directory", err)
	}
	user := userOf(types.UserType{Username: out.Username, Attributes: out.UserAttributes, Enabled: out.Enabled})
	if !strings.EqualFold(user.Email, email) || attributeOf(out.UserAttributes, "email_verified") != "true" {
		return identity.User{}, time.Time{}, none
	}
	user.Groups, err = d.groups(ctx, sdk.ToString(out.Username))
	waits := time.Time{}
	if out.UserStatus == types.UserStatusTypeForceChangePassword && !linked(out.UserAttributes) {
		waits = sdk.ToTime(out.UserLastModifiedDate).Add(inviteLife)
	}
	return user, waits, err
}

// Link has whom a provider calls by a subject sign in as a user. The names are the pool's
// own. Cognito believes the call: it must follow a proof that both are one person.
func (d *Directory) Link(ctx context.Context, id, provider, subject string) error {
	_, err := d.client.AdminLinkProviderForUser(ctx, &cognito.AdminLinkProviderForUserInput{
		UserPoolId:      &d.pool,
		DestinationUser: &types.ProviderUserIdentifierType{ProviderName: sdk.String("Cognito"), ProviderAttributeValue: &id},
		SourceUser: &types.ProviderUserIdentifierType{
			ProviderName: &provider, ProviderAttributeName: sdk.String(subjectName), ProviderAttributeValue: &subject},
	})
	return translate("directory", err)
}

// subjectName is what Cognito calls a subject of any provider.
const subjectName = "Cognito_Subject"

// EndInvitation ends the one-time password of a user who signs in otherwise: another takes
// its place, which nobody knows.
func (d *Directory) EndInvitation(ctx context.Context, id string) error {
	_, err := d.client.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: &d.pool, Username: &id, Password: sdk.String(newPassword()), Permanent: true,
	})
	return translate("directory", err)
}

// newPassword returns one that the rules of any pool take.
func newPassword() string { return strings.ToLower(rand.Text()) + "-Aa1" }

// linked reports whether a user signs in with another provider.
func linked(attributes []types.AttributeType) bool {
	identities := attributeOf(attributes, "identities")
	return identities != "" && identities != "[]"
}

func attributeOf(all []types.AttributeType, name string) string {
	for _, a := range all {
		if sdk.ToString(a.Name) == name {
			return sdk.ToString(a.Value)
		}
	}
	return ""
}
