package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/federation"
)

// signIns returns the logical id of the function that the pool asks, and what it is.
func signIns(t *testing.T, s synth) (string, resource) {
	t.Helper()
	id := s.id(s.stacks.data.signIns)
	return id, s.data.resources[id]
}

func TestThePoolAsksAboutPeopleOfOtherProviders(t *testing.T) {
	s := stageWithProviders(t)
	id, fn := signIns(t, s)
	arn := map[string]any{"Fn::GetAtt": []any{id, "Arn"}}
	pool := s.data.resources[s.id(s.stacks.data.pool)].Properties
	want := map[string]any{
		"PreSignUp":                arn,
		"PreTokenGenerationConfig": map[string]any{"LambdaArn": arn, "LambdaVersion": "V2_0"},
	}
	if diff := cmp.Diff(want, at(pool, "LambdaConfig")); diff != "" || pool["UserPoolTier"] != "ESSENTIALS" {
		t.Errorf("of tier %v, asks -want +got:\n%s", pool["UserPoolTier"], diff)
	}
	if got := fn.Properties["Timeout"]; got != 5.0 {
		t.Errorf("has %v s, where Cognito waits for 5", got)
	}
	rules, err := federation.ParseRules([]byte(at(fn.Properties, "Environment", "Variables", string(config.Rules)).(string)))
	if diff := cmp.Diff(someProviders[3].Rules, rules["Corp"]); err != nil || diff != "" || len(rules) != len(someProviders) {
		t.Errorf("%v, told of %d providers, of Corp -want +got:\n%s", err, len(rules), diff)
	}
	if !s.hasAlarm("signinsErrors") {
		t.Error("nobody hears when it fails")
	}
}

func TestOnlyThePoolMayAskAndTheFunctionReachesNothingButThePool(t *testing.T) {
	s := stageWithProviders(t)
	id, fn := signIns(t, s)
	poolARN := map[string]any{"Fn::GetAtt": []any{s.id(s.stacks.data.pool), "Arn"}}
	asking := 0
	for _, p := range s.data.of("AWS::Lambda::Permission") {
		if diff := cmp.Diff(map[string]any{"Fn::GetAtt": []any{id, "Arn"}}, p.Properties["FunctionName"]); diff != "" {
			continue
		}
		asking++
		if p.Properties["Principal"] != "cognito-idp.amazonaws.com" || !cmp.Equal(poolARN, p.Properties["SourceArn"]) {
			t.Errorf("%v of %v may ask", p.Properties["Principal"], p.Properties["SourceArn"])
		}
	}
	if asking == 0 {
		t.Error("the pool may not ask")
	}
	role := at(fn.Properties, "Role", "Fn::GetAtt").([]any)[0].(string)
	var got []string
	for _, p := range s.data.of("AWS::IAM::Policy") {
		roles, _ := json.Marshal(p.Properties["Roles"])
		if !strings.Contains(string(roles), role) {
			continue
		}
		for _, raw := range at(p.Properties, "PolicyDocument", "Statement").([]any) {
			st := read(t, raw.(map[string]any))
			if strings.HasPrefix(st.actions[0], "logs:") {
				continue
			}
			got = append(got, st.actions...)
			if of, _ := json.Marshal(poolARN); !cmp.Equal([]string{string(of)}, st.resources) {
				t.Errorf("may %v of %v", st.actions, st.resources)
			}
		}
	}
	want := slices.Sorted(slices.Values(signInActions))
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("may, -want +got:\n%s", diff)
	}
}

func TestAStageWithoutOtherProvidersAsksNobodyAndPaysForLess(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		pool := s.data.resources[s.id(s.stacks.data.pool)].Properties
		if s.stacks.data.signIns != nil || pool["LambdaConfig"] != nil || pool["UserPoolTier"] != "LITE" {
			t.Errorf("of tier %v, asks %v", pool["UserPoolTier"], pool["LambdaConfig"])
		}
	})
}

func TestNobodyWritesWhatProvidersSayOfThem(t *testing.T) {
	for _, s := range append(slices.Clone(must(rendered())), must(withProviders())) {
		var names []any
		for _, a := range list(at(s.data.resources[s.id(s.stacks.data.pool)].Properties, "Schema")) {
			names = append(names, at(a, "Name"))
			if at(a, "Mutable") != true {
				t.Errorf("%v cannot be written at a second sign-in", at(a, "Name"))
			}
			if name := at(a, "Name").(string); len(name) > 20 || !strings.HasPrefix(name, "asserted_") {
				t.Errorf("%s is too long for Cognito, or may be taken for an attribute that every pool has", name)
			}
		}
		slices.SortFunc(names, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		if diff := cmp.Diff([]any{"asserted_email", "asserted_groups", "asserted_subject", "asserted_verified"}, names); diff != "" {
			t.Errorf("the pool has -want +got:\n%s", diff)
		}
		for _, c := range s.front.of("AWS::Cognito::UserPoolClient") {
			if diff := cmp.Diff([]any{"ALLOW_REFRESH_TOKEN_AUTH"}, c.Properties["ExplicitAuthFlows"]); diff != "" {
				t.Errorf("past Cognito's pages somebody gets tokens of its API, -want +got:\n%s", diff)
			}
			if scopes := list(c.Properties["AllowedOAuthScopes"]); slices.Contains(scopes, any("aws.cognito.signin.user.admin")) {
				t.Errorf("scopes %v", scopes)
			}
			if diff := cmp.Diff([]any{"custom:asserted_email", "custom:asserted_groups", "custom:asserted_subject", "custom:asserted_verified"}, c.Properties["WriteAttributes"]); diff != "" {
				t.Errorf("Cognito writes for the page, -want +got:\n%s", diff)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestRulesThatDoNotFitAreRefused(t *testing.T) {
	groups := federation.GroupsTable{}
	for n := range 300 {
		groups[strings.Repeat("g", 10)+string(rune('a'+n%26))+string(rune('a'+n/26))] = "viewer"
	}
	defer func() {
		if recover() == nil {
			t.Error("settings of more than 4 KB are taken")
		}
	}()
	rulesOf(Stage{Name: "big", Providers: []Provider{{Kind: OIDC, Name: "Corp", Rules: federation.Rules{GroupsClaim: "groups", GroupsOf: groups}}}})
}
