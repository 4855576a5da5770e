package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// statement is an Allow of a function's policy.
type statement struct {
	actions    []string
	resources  []string // as JSON, since most are references
	partitions []string // that its condition leaves; nil without one
}

// policy returns what a function may do.
func (s synth) policy(t *testing.T, function string) (all []statement) {
	t.Helper()
	for _, raw := range s.statements(t, function) {
		if at(raw, "Effect") != "Deny" { // which takes away
			all = append(all, read(t, raw.(map[string]any)))
		}
	}
	return all
}

// statements are those of a function's policies. What is too long for one is in a second.
func (s synth) statements(t *testing.T, function string) (all []any) {
	t.Helper()
	role := s.role(t, function)
	for _, kind := range []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"} {
		for _, p := range s.functions.of(kind) {
			if roles, _ := json.Marshal(p.Properties["Roles"]); strings.Contains(string(roles), role) {
				all = append(all, at(p.Properties, "PolicyDocument", "Statement").([]any)...)
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no policy", function)
	}
	return all
}

func read(t *testing.T, raw map[string]any) statement {
	t.Helper()
	if raw["Effect"] != "Allow" {
		t.Fatalf("a statement that is no Allow: %v", raw)
	}
	s := statement{}
	for _, a := range list(raw["Action"]) {
		s.actions = append(s.actions, a.(string))
	}
	for _, r := range list(raw["Resource"]) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		s.resources = append(s.resources, string(text))
	}
	for _, p := range list(at(raw, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys")) {
		s.partitions = append(s.partitions, p.(string))
	}
	return s
}

// list makes CloudFormation's "one or several" several.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// at follows a path of keys, to nil where it ends.
func at(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// function returns the resource of a function by its log group, whose id begins
// with the function's name.
func (s synth) function(t *testing.T, name string) map[string]any {
	t.Helper()
	for _, f := range s.functions.of("AWS::Lambda::Function") {
		if group, _ := at(f.Properties, "LoggingConfig", "LogGroup", "Ref").(string); strings.HasPrefix(group, name+"Logs") {
			return f.Properties
		}
	}
	t.Fatalf("no function %s", name)
	return nil
}

func (s synth) role(t *testing.T, function string) string {
	t.Helper()
	got := at(s.function(t, function), "Role", "Fn::GetAtt").([]any)
	return got[0].(string)
}

// may reports whether any of the statements allows it.
func may(all []statement, r right) bool {
	return slices.ContainsFunc(all, func(s statement) bool {
		return slices.Contains(s.actions, r.action) &&
			slices.ContainsFunc(s.resources, func(text string) bool { return strings.Contains(text, r.resource) }) &&
			(r.partition == "" || slices.Contains(s.partitions, r.partition+"#*"))
	})
}
