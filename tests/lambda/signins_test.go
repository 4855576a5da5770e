package lambda

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/tests/oracle"
)

// TestTheBuiltFunctionAnswersTheUserPool stops before the call that links a person, which
// the emulator does not know.
func TestTheBuiltFunctionAnswersTheUserPool(t *testing.T) {
	if oracle.Real() {
		t.Skip("no account has these providers")
	}
	services := oracle.Start(t, oracle.Cognito)
	pool := services.UserPool(t, "http://127.0.0.1:8080/")
	users := aws.NewDirectory(services.Cognito(), pool.ID, pool.App, pool.Domain)
	ada, err := users.Create(t.Context(), "ada@example.com", "Correct-horse-9-battery", []string{"emea", "admin"})
	if err != nil {
		t.Fatal(err)
	}
	f := NewFunction(t, route.SignIns.Name, build(t, route.SignIns), environment(route.SignIns.Name, services, map[config.Var]string{
		config.Rules: `{"Corp": {"email_domains": ["example.com"], "trust_email": true, "groups_claim": "g", "groups_of": {"bi": "editor", "boss": "admin"}}}`,
	}))
	f.Timeout = 5 * time.Second // as long as Cognito waits
	ask := func(source, user string, attributes map[string]string, groups ...string) (string, error) {
		event, err := json.Marshal(map[string]any{"version": "2", "triggerSource": source, "userPoolId": pool.ID, "userName": user,
			"request": map[string]any{"userAttributes": attributes, "groupConfiguration": map[string]any{"groupsToOverride": groups}}, "response": map[string]any{}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.Invoke(t.Context(), event)
		return string(out), err
	}
	for email, want := range map[string]string{"grace@example.com": "not_invited: ", "ada@example.com": "account_exists: ", "eve@evil.example": "wrong_domain: "} {
		if out, err := ask("PreSignUp_ExternalProvider", "corp_1", map[string]string{"custom:asserted_email": email}); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: answered %s, %v, want %s", email, out, err, want)
		}
	}
	out, err := ask("TokenGeneration_HostedAuth", ada.ID, map[string]string{"identities": `[{"userId":"1","providerName":"Corp"}]`,
		"custom:asserted_email": "ada@example.com", "custom:asserted_groups": "[bi, chess]"}, "emea", "admin")
	if err != nil || !strings.Contains(out, `{"groupsToOverride":["emea","editor"]}`) {
		t.Errorf("answered %s, %v", out, err)
	}
	if ada, err = users.Get(t.Context(), ada.ID); err != nil || !slices.Equal(slices.Sorted(slices.Values(ada.Groups)), []string{"editor", "emea"}) {
		t.Errorf("in the pool %v, %v", ada.Groups, err)
	}
}
