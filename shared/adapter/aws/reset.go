package aws

import (
	"context"
	"encoding/json"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/tarnhq/tarn/shared/fault"
)

// Reset implements identity.Directory. The password is the first to go: broken off after
// it, nobody gets in who could not be meant to, and to reset again does the rest.
func (d *Directory) Reset(ctx context.Context, id string) (password string, err error) {
	err = d.named(ctx, id, func(name string) error {
		password, err = d.reset(ctx, name)
		return err
	})
	return password, err
}

func (d *Directory) reset(ctx context.Context, name string) (string, error) {
	user, err := d.client.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &d.pool, Username: &name})
	if err != nil {
		return "", translate("directory", err)
	}
	if user.UserStatus == types.UserStatusTypeExternalProvider {
		return "", fault.New(fault.Conflict, "no_password", "another provider alone signs this person in").WithHint("remove and invite them")
	}
	password := newPassword()
	if _, err := d.client.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{UserPoolId: &d.pool, Username: &name, Password: &password}); err != nil {
		return "", translate("directory", err)
	}
	_, err = d.client.AdminSetUserMFAPreference(ctx, &cognito.AdminSetUserMFAPreferenceInput{
		UserPoolId: &d.pool, Username: &name, SoftwareTokenMfaSettings: &types.SoftwareTokenMfaSettingsType{Enabled: false, PreferredMfa: false},
	})
	if err == nil {
		err = d.unlink(ctx, user.UserAttributes)
	}
	if err == nil {
		_, err = d.client.AdminUserGlobalSignOut(ctx, &cognito.AdminUserGlobalSignOutInput{UserPoolId: &d.pool, Username: &name})
	}
	return password, translate("directory", err)
}

// unlink has no other provider's people sign in as a user any more.
func (d *Directory) unlink(ctx context.Context, attributes []types.AttributeType) error {
	if !linked(attributes) {
		return nil
	}
	var identities []struct {
		Subject  string `json:"userId"`
		Provider string `json:"providerName"`
	}
	if err := json.Unmarshal([]byte(attributeOf(attributes, "identities")), &identities); err != nil {
		return err
	}
	for _, i := range identities {
		_, err := d.client.AdminDisableProviderForUser(ctx, &cognito.AdminDisableProviderForUserInput{
			UserPoolId: &d.pool,
			User:       &types.ProviderUserIdentifierType{ProviderName: &i.Provider, ProviderAttributeName: sdk.String(subjectName), ProviderAttributeValue: &i.Subject},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
