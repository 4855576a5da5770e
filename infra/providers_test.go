package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/google/go-cmp/cmp"
)

var someProviders = []Provider{
	{Kind: Google, ClientID: "g.apps.googleusercontent.com", Secret: "tarn/google"},
	{Kind: Facebook, ClientID: "4711", Secret: "tarn/facebook"},
	{Kind: OIDC, Name: "GitHub", Issuer: "https://bridge.example.com", ClientID: "tarn", Secret: "tarn/bridge", EmailClaim: "mail"},
	{Kind: SAML, Name: "Corp", Metadata: "https://id.corp.example/metadata"},
}

func TestOtherProvidersAreInTheTemplateAndTheirSecretsAreNot(t *testing.T) {
	stage := Stages[0]
	stage.Providers = someProviders
	all, err := renderAll(stage)
	if err != nil {
		t.Fatal(err)
	}
	s := all[0]
	type shown struct {
		Type, Client, Secret, Email, Verified, Address string
	}
	got := map[string]shown{}
	for _, r := range s.data.of("AWS::Cognito::UserPoolIdentityProvider") {
		text := func(path ...string) string {
			value, _ := at(r.Properties, path...).(string)
			return value
		}
		got[text("ProviderName")] = shown{text("ProviderType"), text("ProviderDetails", "client_id"), text("ProviderDetails", "client_secret"),
			text("AttributeMapping", "email"), text("AttributeMapping", "email_verified"), text("ProviderDetails", "oidc_issuer") + text("ProviderDetails", "MetadataURL")}
	}
	reference := func(name string) string { return "{{resolve:secretsmanager:" + name + ":SecretString:::}}" }
	want := map[string]shown{
		"Google":   {"Google", "g.apps.googleusercontent.com", reference("tarn/google"), "email", "email_verified", ""},
		"Facebook": {"Facebook", "4711", reference("tarn/facebook"), "email", "", ""},
		"GitHub":   {"OIDC", "tarn", reference("tarn/bridge"), "mail", "email_verified", "https://bridge.example.com"},
		"Corp":     {"SAML", "", "", emailClaims[SAML], "", "https://id.corp.example/metadata"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
	s.front.HasResourceProperties(ptr("AWS::Cognito::UserPoolClient"), map[string]any{
		"SupportedIdentityProviders": []any{"COGNITO", "Google", "Facebook", "GitHub", "Corp"},
	})
	for _, stack := range []template{s.data, s.front} {
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
	} {
		changed := slices.Clone(someProviders)
		change(changed)
		if !slices.ContainsFunc(changed, func(p Provider) bool { return p.check() != nil }) {
			t.Errorf("%s is taken", claim)
		}
	}
	for _, p := range someProviders {
		if err := p.check(); err != nil || strings.Contains(p.id(), " ") {
			t.Errorf("%s: %v", p.id(), err)
		}
	}
}
