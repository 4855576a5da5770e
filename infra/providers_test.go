package main

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/federation"
)

var someProviders = []Provider{
	{Kind: Google, ClientID: "g.apps.googleusercontent.com", Secret: "google"},
	{Kind: Facebook, ClientID: "4711", Secret: "facebook", Rules: federation.Rules{EmailDomains: []string{"example.com"}, TrustEmail: true}},
	{Kind: OIDC, Name: "GitHub", Issuer: "https://bridge.example.com", ClientID: "tarn", Secret: "federation/bridge", EmailClaim: "mail", Rules: federation.Rules{Groups: []string{"viewer"}}},
	{Kind: SAML, Name: "Corp", Metadata: "https://id.corp.example/metadata", SubjectClaim: "uid",
		Rules: federation.Rules{EmailDomains: []string{"corp.example"}, TrustEmail: true, GroupsClaim: "memberOf", GroupsOf: federation.GroupsTable{"bi": "analyst"}}},
}

// withProviders is a stage with what others leave out: people sign in with others,
// databases are in a private network, and events are taken from others' streams.
var withProviders = sync.OnceValues(func() (synth, error) {
	stage := Stages[0]
	stage.Providers, stage.Network, stage.Feeds = someProviders, &someNetwork, someFeeds
	all, err := renderAll(stage)
	if err != nil {
		return synth{}, err
	}
	return all[0], nil
})

func stageWithProviders(t *testing.T) synth {
	t.Helper()
	s, err := withProviders()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOtherProvidersAreInTheTemplateAndTheirSecretsAreNot(t *testing.T) {
	s := stageWithProviders(t)
	type shown struct {
		Type, Client, Secret, Address string
		Mapped                        map[string]any
	}
	got := map[string]shown{}
	for _, r := range s.data.of("AWS::Cognito::UserPoolIdentityProvider") {
		text := func(path ...string) string {
			value, _ := at(r.Properties, path...).(string)
			return value
		}
		mapped, _ := at(r.Properties, "AttributeMapping").(map[string]any)
		got[text("ProviderName")] = shown{text("ProviderType"), text("ProviderDetails", "client_id"), text("ProviderDetails", "client_secret"),
			text("ProviderDetails", "oidc_issuer") + text("ProviderDetails", "MetadataURL"), mapped}
	}
	reference := func(name string) string {
		return "{{resolve:secretsmanager:tarn/dev/_deployment/" + name + ":SecretString:::}}"
	}
	want := map[string]shown{
		"Google": {"Google", "g.apps.googleusercontent.com", reference("google"), "",
			map[string]any{"custom:asserted_subject": "sub", "custom:asserted_email": "email", "custom:asserted_verified": "email_verified"}},
		"Facebook": {"Facebook", "4711", reference("facebook"), "", map[string]any{"custom:asserted_subject": "id", "custom:asserted_email": "email"}},
		"GitHub": {"OIDC", "tarn", reference("federation/bridge"), "https://bridge.example.com",
			map[string]any{"custom:asserted_subject": "sub", "custom:asserted_email": "mail", "custom:asserted_verified": "email_verified"}},
		"Corp": {"SAML", "", "", "https://id.corp.example/metadata",
			map[string]any{"custom:asserted_subject": "uid", "custom:asserted_email": emailClaims[SAML], "custom:asserted_groups": "memberOf"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
	s.front.HasResourceProperties(ptr("AWS::Cognito::UserPoolClient"), map[string]any{
		"SupportedIdentityProviders": []any{"COGNITO", "Google", "Facebook", "GitHub", "Corp"},
	})
	for _, stack := range []template{s.data, s.front, s.functions} {
		stack.notes.HasNoError(ptr("*"), assertions.Match_StringLikeRegexp(ptr("AwsSolutions-|CdkNag")))
		stack.notes.HasNoWarning(ptr("*"), assertions.Match_StringLikeRegexp(ptr("AwsSolutions-|CdkNag")))
	}
}

func TestAStageOffersNobodyElseUnlessItSaysSo(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, r := range s.front.of("AWS::Cognito::UserPoolClient") {
			text, err := json.Marshal(at(r.Properties, "SupportedIdentityProviders"))
			if err != nil || string(text) != `["COGNITO"]` {
				t.Errorf("%s: %s, %v", id, text, err)
			}
		}
	})
}

func TestAProviderThatCannotBeMeantIsRefused(t *testing.T) {
	for claim, change := range map[string]func([]Provider){
		"no kind":                     func(p []Provider) { p[0].Kind = "" },
		"Google by another name":      func(p []Provider) { p[0].Name = "Mail" },
		"Google without its secret":   func(p []Provider) { p[0].Secret = "" },
		"Facebook with an issuer":     func(p []Provider) { p[1].Issuer = "https://facebook.com" },
		"an issuer without HTTPS":     func(p []Provider) { p[2].Issuer = "http://bridge.example.com" },
		"OIDC with SAML's metadata":   func(p []Provider) { p[2].Issuer, p[2].Metadata = "", p[2].Issuer },
		"a name with a space":         func(p []Provider) { p[2].Name = "Git Hub" },
		"SAML without a name":         func(p []Provider) { p[3].Name = "" },
		"SAML with a client":          func(p []Provider) { p[3].ClientID = "x" },
		"SAML with a client's secret": func(p []Provider) { p[3].Secret = "x" },
		"SAML with anybody's address": func(p []Provider) { p[3].Rules = federation.Rules{} },
		"Facebook with anybody's":     func(p []Provider) { p[1].Rules.TrustEmail = false },
		"a secret by its ARN":         func(p []Provider) { p[0].Secret = "arn:aws:secretsmanager:eu-central-1:1:secret:x" },
		"a secret of another stage":   func(p []Provider) { p[0].Secret = "../../prod/_deployment/google" },
		"a claim that is known":       func(p []Provider) { p[2].SubjectClaim = "sub" },
		"a tenant's own group":        func(p []Provider) { p[2].Rules.Groups = []string{"tenant:acme"} },
		"a name that is taken":        func(p []Provider) { p[2].Name = "GOOGLE" },
		"Cognito's own name":          func(p []Provider) { p[2].Name = "cognito" },
	} {
		changed := slices.Clone(someProviders)
		change(changed)
		if checkProviders(changed) == nil {
			t.Errorf("%s is taken", claim)
		}
	}
	if err := checkProviders(someProviders); err != nil {
		t.Error(err)
	}
}
