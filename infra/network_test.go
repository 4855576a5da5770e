package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
)

var someNetwork = Network{Subnets: []string{"subnet-0123456789abcdef0", "subnet-0fedcba9876543210"}, SecurityGroup: "sg-0123456789abcdef0", Allow: []string{"10.0.0.0/16", "172.16.4.0/24"}}

func TestOnlyWhatConnectsToSourcesIsInThePrivateNetwork(t *testing.T) {
	s := stageWithProviders(t)
	var inside []string
	for _, f := range route.Functions {
		properties := s.function(t, f.Name)
		allowed := at(properties, "Environment", "Variables", string(config.AllowNetworks))
		if properties["VpcConfig"] == nil && allowed == nil {
			continue
		}
		inside = append(inside, f.Name)
		want := map[string]any{"SubnetIds": []any{"subnet-0123456789abcdef0", "subnet-0fedcba9876543210"}, "SecurityGroupIds": []any{"sg-0123456789abcdef0"}}
		if diff := cmp.Diff(want, properties["VpcConfig"]); diff != "" || allowed != "10.0.0.0/16,172.16.4.0/24" {
			t.Errorf("%s may reach %v; its network, -want +got:\n%s", f.Name, allowed, diff)
		}
	}
	slices.Sort(inside)
	if diff := cmp.Diff([]string{"connectors", "worker"}, inside); diff != "" {
		t.Errorf("inside, -want +got:\n%s", diff)
	}
}

func TestAFunctionsOwnCodeMakesNoNetworkInterfaces(t *testing.T) {
	s := stageWithProviders(t)
	for _, function := range []string{"connectors", "worker"} {
		denied := []any{}
		for _, st := range s.statements(t, function) {
			if at(st, "Effect") == "Deny" && at(st, "Condition", "Null", "lambda:SourceFunctionArn") == "false" {
				denied = append(denied, at(st, "Action").([]any)...)
			}
		}
		for _, action := range interfaceActions {
			if !may(s.policy(t, function), right{action, "*", ""}) || !slices.Contains(denied, any(action)) {
				t.Errorf("%s: Lambda may not do %s, or the function's code may", function, action)
			}
		}
	}
}
