package aws

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

// waiting is an invited user as Cognito tells of them, changed at the last noon of 2025.
const waiting = `{"Username":"5c0de","Enabled":true,"UserStatus":"FORCE_CHANGE_PASSWORD","UserLastModifiedDate":1767182400,
	"UserAttributes":[{"Name":"sub","Value":"5c0de"},{"Name":"email","Value":"Grace@example.com"},{"Name":"email_verified","Value":"true"}]}`

func TestWhoWaitsForTheirFirstSignIn(t *testing.T) {
	until := time.Date(2026, 1, 7, 12, 0, 0, 0, time.UTC)
	for claim, c := range map[string]struct {
		change []string
		until  time.Time
	}{
		"an invited user, for a week":                 {nil, until},
		"not who has chosen a password":               {[]string{"FORCE_CHANGE_PASSWORD", "CONFIRMED"}, time.Time{}},
		"not whom another provider signs in alone":    {[]string{"FORCE_CHANGE_PASSWORD", "EXTERNAL_PROVIDER"}, time.Time{}},
		"not who is linked with a provider already":   {[]string{`{"Name":"sub"`, `{"Name":"identities","Value":"[{\"userId\":\"1\"}]"},{"Name":"sub"`}, time.Time{}},
		"who was linked with one and is not any more": {[]string{`{"Name":"sub"`, `{"Name":"identities","Value":"[]"},{"Name":"sub"`}, until},
	} {
		s := serve(t, reply(200, strings.NewReplacer(c.change...).Replace(waiting)), reply(200, `{"Groups":[{"GroupName":"viewer"}]}`))
		user, got, err := s.account().Directory("pool", "", "").Waiting(t.Context(), "grace@example.com")
		want := identity.User{ID: "5c0de", Email: "Grace@example.com", Groups: []string{"viewer"}}
		if diff := cmp.Diff(want, user); err != nil || diff != "" || !got.Equal(c.until) {
			t.Errorf("%s: until %v, %v, user -want +got:\n%s", claim, got, err, diff)
		}
	}
}

func TestAnAddressFindsOnlyWhoseVerifiedOneItIs(t *testing.T) {
	for claim, c := range map[string]struct {
		email, user string
	}{
		"not whose address is not verified": {"grace@example.com", strings.ReplaceAll(waiting, `"email_verified","Value":"true"`, `"email_verified","Value":"false"`)},
		"not who is called so":              {"grace@example.com", strings.ReplaceAll(waiting, "Grace@example.com", "ada@example.com")},
	} {
		s := serve(t, reply(200, c.user))
		if user, _, err := s.account().Directory("pool", "", "").Waiting(t.Context(), c.email); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %+v, %v", claim, user, err)
		}
	}
	s := serve(t, reply(200, waiting))
	for _, name := range []string{"5c0de", "Google_42", ""} {
		if _, _, err := s.account().Directory("pool", "", "").Waiting(t.Context(), name); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	s.wants(t, 0)
}

func TestAPersonIsLinkedByTheirSubjectAlone(t *testing.T) {
	s := serve(t, reply(200, "{}"))
	if err := s.account().Directory("pool", "", "").Link(t.Context(), "5c0de", "Google", "42"); err != nil {
		t.Fatal(err)
	}
	want := `{"DestinationUser":{"ProviderAttributeValue":"5c0de","ProviderName":"Cognito"},"SourceUser":{"ProviderAttributeName":"Cognito_Subject","ProviderAttributeValue":"42","ProviderName":"Google"},"UserPoolId":"pool"}`
	if got := s.asked()[0]; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

func TestAnEndedInvitationIsAPasswordThatNobodyKnows(t *testing.T) {
	s := serve(t, reply(200, "{}"))
	d := s.account().Directory("pool", "", "")
	for range 2 {
		if err := d.EndInvitation(t.Context(), "5c0de"); err != nil {
			t.Fatal(err)
		}
	}
	asked := s.asked()
	if asked[0] == asked[1] || !strings.Contains(asked[0], `"Permanent":true`) || !strings.Contains(asked[0], `"Username":"5c0de"`) {
		t.Errorf("asked %s and %s", asked[0], asked[1])
	}
}
