package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/secret"
)

// ProviderKind says how a provider is spoken to.
type ProviderKind string

// The kinds of providers. GitHub speaks none of them by itself: a bridge that speaks
// OpenID Connect does so for it (docs/access.md).
const (
	Google   ProviderKind = "Google"
	Facebook ProviderKind = "Facebook"
	OIDC     ProviderKind = "OIDC"
	SAML     ProviderKind = "SAML"
)

// Provider is another one that people may sign in with, beside a password.
type Provider struct {
	Kind ProviderKind
	Name string // of OIDC and SAML: on the button and in the provider's answer address

	// ClientID and Secret are what the provider knows us by. Secret names a secret of the
	// deployment (docs/secrets.md) whose whole text is the client's: the template refers to
	// it and does not hold it. SAML has neither.
	ClientID string
	Secret   secret.Name

	Issuer   string   // OIDC: the URL that begins that of its configuration
	Scopes   []string // but of SAML; none: what the address needs
	Metadata string   // SAML: the URL of the provider's metadata

	EmailClaim   string // with the address; empty: what the kind calls it
	SubjectClaim string // SAML: an attribute that repeats the name of the subject, if that may have capitals

	Rules federation.Rules // who gets in, and into which groups
}

// emailClaims are what each kind calls the address.
var emailClaims = map[ProviderKind]string{
	Google: "email", Facebook: "email", OIDC: "email",
	SAML: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
}

var providerScopes = map[ProviderKind][]string{
	Google: {"openid", "email", "profile"}, Facebook: {"public_profile", "email"}, OIDC: {"openid", "email", "profile"},
}

// subjectClaims are what each kind calls the subject, where that is a claim.
var subjectClaims = map[ProviderKind]string{Google: "sub", Facebook: "id", OIDC: "sub"}

// newProviders lets people sign in with others. Each is offered to the page's client,
// which is made after them.
func newProviders(stack awscdk.Stack, pool awscognito.UserPool, s Stage) {
	if err := checkProviders(s.Providers); err != nil {
		panic(fmt.Errorf("stage %s, %w", s.Name, err))
	}
	for _, p := range s.Providers {
		pool.RegisterIdentityProvider(p.in(stack, pool, s))
	}
}

// checkProviders returns what is wrong with some of them, or with all together.
func checkProviders(all []Provider) error {
	ids := map[string]bool{"cognito": true} // what it calls itself
	for i, p := range all {
		if err := p.check(); err != nil {
			return fmt.Errorf("provider %d: %w", i+1, err)
		}
		id := strings.ToLower(p.id()) // Cognito tells of a name in small letters
		if ids[id] {
			return fmt.Errorf("provider %d: another is called %s", i+1, p.id())
		}
		ids[id] = true
	}
	return nil
}

var providerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{2,31}$`)

func (p Provider) check() error {
	named, addressed := p.Kind == OIDC || p.Kind == SAML, p.Issuer+p.Metadata
	switch {
	case emailClaims[p.Kind] == "":
		return fmt.Errorf("kind %q is none", p.Kind)
	case named != (p.Name != "") || named && !providerName.MatchString(p.Name):
		return fmt.Errorf("name %q: OIDC and SAML have one, of 3 to 32 letters, digits and dashes; Google and Facebook have their own", p.Name)
	case named && !strings.HasPrefix(addressed, "https://"), !named && addressed != "":
		return fmt.Errorf("%s: address %q: OIDC has the HTTPS URL of its Issuer, SAML of its Metadata", p.Kind, addressed)
	case p.Kind == OIDC && p.Issuer == "", p.Kind == SAML && p.Metadata == "":
		return fmt.Errorf("%s: Issuer is OIDC's and Metadata is SAML's", p.Kind)
	case (p.Kind == SAML) == (p.ClientID != ""), (p.ClientID == "") != (p.Secret == ""):
		return fmt.Errorf("%s: a ClientID and its Secret are needed, but for SAML", p.Kind)
	case p.SubjectClaim != "" && p.Kind != SAML:
		return fmt.Errorf("%s: only SAML needs a SubjectClaim", p.Kind)
	case (p.Kind == SAML || p.Kind == Facebook) && !p.Rules.TrustEmail:
		return fmt.Errorf("%s has no word for a verified address: set TrustEmail in the Rules, and the EmailDomains in which it is to be believed", p.Kind)
	}
	if p.Secret != "" {
		if err := secret.Check(secret.Deployment, p.Secret); err != nil {
			return fmt.Errorf("%s: %w", p.Kind, err)
		}
	}
	return p.Rules.Check()
}

// id is what Cognito calls the provider.
func (p Provider) id() string {
	if p.Name != "" {
		return p.Name
	}
	return string(p.Kind)
}

func (p Provider) in(stack awscdk.Stack, pool awscognito.UserPool, s Stage) awscognito.IUserPoolIdentityProvider {
	id := jsii.String("Provider" + p.id())
	if p.Kind == SAML {
		return awscognito.NewUserPoolIdentityProviderSaml(stack, id, &awscognito.UserPoolIdentityProviderSamlProps{
			UserPool: pool, Name: &p.Name, AttributeMapping: p.mapping(),
			Metadata: awscognito.UserPoolIdentityProviderSamlMetadata_Url(&p.Metadata),
		})
	}
	secret := awscdk.SecretValue_SecretsManager(jsii.String(secretName(s, p.Secret)), nil)
	scopes := p.Scopes
	if len(scopes) == 0 {
		scopes = providerScopes[p.Kind]
	}
	switch p.Kind {
	case Google:
		return awscognito.NewUserPoolIdentityProviderGoogle(stack, id, &awscognito.UserPoolIdentityProviderGoogleProps{
			UserPool: pool, ClientId: &p.ClientID, ClientSecretValue: secret, Scopes: jsii.Strings(scopes...), AttributeMapping: p.mapping(),
		})
	case Facebook:
		return awscognito.NewUserPoolIdentityProviderFacebook(stack, id, &awscognito.UserPoolIdentityProviderFacebookProps{
			UserPool: pool, ClientId: &p.ClientID, ClientSecret: secret.UnsafeUnwrap(), Scopes: jsii.Strings(scopes...), AttributeMapping: p.mapping(),
		})
	default:
		return awscognito.NewUserPoolIdentityProviderOidc(stack, id, &awscognito.UserPoolIdentityProviderOidcProps{
			UserPool: pool, Name: &p.Name, ClientId: &p.ClientID, ClientSecret: secret.UnsafeUnwrap(), IssuerUrl: &p.Issuer,
			Scopes: jsii.Strings(scopes...), AttributeMapping: p.mapping(), AttributeRequestMethod: awscognito.OidcAttributeRequestMethod_GET,
		})
	}
}

// mapping takes what the rules decide by into attributes of its own: a provider does not
// change the address that somebody was invited by.
func (p Provider) mapping() *awscognito.AttributeMapping {
	email := p.EmailClaim
	if email == "" {
		email = emailClaims[p.Kind]
	}
	subject := subjectClaims[p.Kind]
	if p.Kind == SAML {
		subject = p.SubjectClaim
	}
	claims := map[string]string{federation.AssertedSubject: subject, federation.AssertedEmail: email, federation.AssertedGroups: p.Rules.GroupsClaim}
	if p.Kind == Google || p.Kind == OIDC {
		claims[federation.AssertedVerified] = "email_verified"
	}
	custom := map[string]awscognito.ProviderAttribute{}
	for attribute, claim := range claims {
		if claim != "" {
			custom["custom:"+attribute] = awscognito.ProviderAttribute_Other(&claim)
		}
	}
	return &awscognito.AttributeMapping{Custom: &custom}
}

// clientProviders are all that the page's client offers.
func clientProviders(s Stage) *[]awscognito.UserPoolClientIdentityProvider {
	all := []awscognito.UserPoolClientIdentityProvider{awscognito.UserPoolClientIdentityProvider_COGNITO()}
	for _, p := range s.Providers {
		all = append(all, awscognito.UserPoolClientIdentityProvider_Custom(jsii.String(p.id())))
	}
	return &all
}
