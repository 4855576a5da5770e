package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/federation"
)

// newUsers makes the directory of people. An owner invites the others; nobody signs
// up alone.
func newUsers(stack awscdk.Stack, s Stage) (awscognito.UserPool, awscognito.UserPoolDomain) {
	pool := awscognito.NewUserPool(stack, jsii.String("Users"), &awscognito.UserPoolProps{
		SelfSignUpEnabled:   jsii.Bool(false),
		SignInAliases:       &awscognito.SignInAliases{Email: jsii.Bool(true)},
		SignInCaseSensitive: jsii.Bool(false),
		AccountRecovery:     awscognito.AccountRecovery_EMAIL_ONLY,
		FeaturePlan:         s.plan(),
		CustomAttributes:    assertedAttributes(),
		Mfa:                 awscognito.Mfa_OPTIONAL,
		MfaSecondFactor:     &awscognito.MfaSecondFactor{Otp: jsii.Bool(true), Sms: jsii.Bool(false)},
		PasswordPolicy: &awscognito.PasswordPolicy{
			MinLength:        jsii.Number(12),
			RequireLowercase: jsii.Bool(true), RequireUppercase: jsii.Bool(true),
			RequireDigits: jsii.Bool(true), RequireSymbols: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(s.Keep),
		RemovalPolicy:      s.removal(),
	})
	excuse(pool, "AwsSolutions-COG2", "A second factor is each person's choice here; whoever must have one brings it with SAML or OpenID Connect.")
	excuse(pool, "AwsSolutions-COG8", "The Plus plan is billed for each user; an operator chooses it.")
	domain := pool.AddDomain(jsii.String("SignIn"), &awscognito.UserPoolDomainOptions{
		CognitoDomain: &awscognito.CognitoDomainOptions{DomainPrefix: uniquePrefix(stack, s)},
	})
	newProviders(stack, pool, s)
	return pool, domain
}

// plan is the cheapest that does it: to put other groups into access tokens takes
// Essentials. Of either the first 10,000 people a month are free.
func (s Stage) plan() awscognito.FeaturePlan {
	if len(s.Providers) > 0 {
		return awscognito.FeaturePlan_ESSENTIALS
	}
	return awscognito.FeaturePlan_LITE
}

// assertedAttributes hold what other providers say of people. Every stage has them, since
// no pool is ever rid of an attribute.
func assertedAttributes() *map[string]awscognito.ICustomAttribute {
	all := map[string]awscognito.ICustomAttribute{}
	for _, name := range federation.Asserted {
		all[name] = awscognito.NewStringAttribute(&awscognito.StringAttributeProps{Mutable: jsii.Bool(true), MaxLen: jsii.Number(2048)})
	}
	return &all
}

// uniquePrefix is unlike any other deployment's in the region, which Cognito
// demands, and tells nobody the account's number: it ends in a part of the stack's
// own id.
func uniquePrefix(stack awscdk.Stack, s Stage) *string {
	guid := awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), stack.StackId(), nil))
	tail := awscdk.Fn_Select(jsii.Number(4), awscdk.Fn_Split(jsii.String("-"), guid, nil))
	return awscdk.Fn_Join(jsii.String("-"), &[]*string{jsii.String("tarn"), jsii.String(s.Name), tail})
}

// loopbacks are where the command line waits for a code. Cognito compares whole addresses
// and takes HTTP from localhost alone, so that each port is named; what comes there is
// worth nothing without the verifier of who asked.
func loopbacks() (all []*string) {
	for _, port := range config.SignInPorts {
		all = append(all, jsii.String(fmt.Sprintf("http://localhost:%d/", port)))
	}
	return all
}

// newClient is the web page's and the command line's way to sign people in: a public client with the
// authorization code and PKCE, which Cognito demands of it by the challenge that
// the page sends. Its tokens live shortly and are refreshed. People sign in on Cognito's
// pages alone: a token of its API would let them write their own attributes.
func newClient(stack awscdk.Stack, s Stage, pool awscognito.IUserPool, home *string) awscognito.UserPoolClient {
	page := awscdk.Fn_Join(jsii.String(""), &[]*string{home, jsii.String("/")})
	back := append([]*string{page}, loopbacks()...)
	return awscognito.NewUserPoolClient(stack, jsii.String("Client"), &awscognito.UserPoolClientProps{
		UserPool:       pool,
		GenerateSecret: jsii.Bool(false),
		OAuth: &awscognito.OAuthSettings{
			Flows:        &awscognito.OAuthFlows{AuthorizationCodeGrant: jsii.Bool(true)},
			Scopes:       &[]awscognito.OAuthScope{awscognito.OAuthScope_OPENID(), awscognito.OAuthScope_EMAIL()},
			CallbackUrls: &back,
			LogoutUrls:   &[]*string{page},
		},
		SupportedIdentityProviders: clientProviders(s),
		AuthFlows:                  &awscognito.AuthFlow{UserSrp: jsii.Bool(false), UserPassword: jsii.Bool(false), Custom: jsii.Bool(false)},
		WriteAttributes:            awscognito.NewClientAttributes().WithCustomAttributes(*jsii.Strings(federation.Asserted...)...), // Cognito does, in the client's name
		AccessTokenValidity:        awscdk.Duration_Hours(jsii.Number(1)),
		IdTokenValidity:            awscdk.Duration_Hours(jsii.Number(1)),
		RefreshTokenValidity:       awscdk.Duration_Days(jsii.Number(30)),
		EnableTokenRevocation:      jsii.Bool(true),
		PreventUserExistenceErrors: jsii.Bool(true),
	})
}
