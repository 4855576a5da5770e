package aws

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
)

// inUse is a user with a password of their own, who is linked with a provider.
const inUse = `{"Username":"5c0de","Enabled":true,"UserStatus":"CONFIRMED","UserAttributes":[{"Name":"email","Value":"g@example.com"},
	{"Name":"identities","Value":"[{\"userId\":\"42\",\"providerName\":\"Google\",\"primary\":\"false\"}]"}]}`

func TestAResetEndsPasswordFactorLinksAndSessionsInThisOrder(t *testing.T) {
	s := serve(t, reply(200, inUse), reply(200, "{}"))
	password, err := s.account().Directory("pool", "", "").Reset(t.Context(), "5c0de")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"AdminGetUser", "AdminSetUserPassword", "AdminSetUserMFAPreference", "AdminDisableProviderForUser", "AdminUserGlobalSignOut"}
	if diff := cmp.Diff(want, s.targets()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for i, text := range []string{"", `{"Password":"` + password + `","Username":"5c0de","UserPoolId":"pool"}`, `"SoftwareTokenMfaSettings":{}`, // what is false is left out
		`"User":{"ProviderAttributeName":"Cognito_Subject","ProviderAttributeValue":"42","ProviderName":"Google"}`, `"Username":"5c0de"`} {
		if got := s.asked()[i]; !strings.Contains(got, text) {
			t.Errorf("%s asks %s, want %s", want[i], got, text)
		}
	}
}

func TestAResetThatWasCutOffIsAnError(t *testing.T) {
	for after := range 4 {
		answers := []answer{reply(200, inUse), reply(200, "{}"), reply(200, "{}"), reply(200, "{}")}[:after+1]
		s := serve(t, append(answers, refuse(400, "NotAuthorizedException"))...)
		if _, err := s.account().Directory("pool", "", "").Reset(t.Context(), "5c0de"); err == nil {
			t.Errorf("cut off after %d calls, and told as done", after+1)
		}
	}
}

func TestWhoNeverHadAPasswordIsNotReset(t *testing.T) {
	s := serve(t, reply(200, strings.Replace(inUse, "CONFIRMED", "EXTERNAL_PROVIDER", 1)))
	_, err := s.account().Directory("pool", "", "").Reset(t.Context(), "5c0de")
	wantKind(t, err, fault.Conflict)
	s.wants(t, 1)
}
