package aws

import (
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

const aUser = `{"User":{"Username":"id","Enabled":true,"Attributes":[{"Name":"email","Value":"a@example.com"}]}}`

func (s *service) targets() []string {
	var names []string
	for _, r := range s.requests {
		names = append(names, strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSCognitoIdentityProviderService."))
	}
	return names
}

func TestAUserWithAWeakPasswordIsRemovedAgain(t *testing.T) {
	s := serve(t, reply(200, aUser), refuse(400, "InvalidPasswordException"), reply(200, "{}"))
	_, err := s.account().Directory("pool", "app", "").Create(t.Context(), "a@example.com", "short", nil)
	wantKind(t, err, fault.Invalid)
	want := []string{"AdminCreateUser", "AdminSetUserPassword", "AdminDeleteUser"}
	if diff := cmp.Diff(want, s.targets()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAUserWhoseCreationWasLostIsNotTakenForAnother(t *testing.T) {
	s := serve(t, lost)
	_, err := s.account().Directory("pool", "app", "").Create(t.Context(), "a@example.com", "p", nil)
	wantKind(t, err, fault.Unavailable)
	s.wants(t, 1)
}

func TestAListHandsOutCognitosPages(t *testing.T) {
	s := serve(t, reply(200, `{"PaginationToken":"next","Users":[{"Username":"id","Attributes":[{"Name":"email","Value":"a@example.com"}]}]}`),
		reply(200, `{"NextToken":"more","Groups":[{"GroupName":"g"}]}`), reply(200, `{"Groups":[{"GroupName":"h"}]}`))
	users, more, err := s.account().Directory("pool", "app", "").List(t.Context(), "here", 1000)
	if err != nil || more != "next" {
		t.Fatalf("more %q, %v", more, err)
	}
	want := []identity.User{{ID: "id", Email: "a@example.com", Groups: []string{"g", "h"}, Disabled: true}}
	if diff := cmp.Diff(want, users); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if body := s.asked()[0]; !strings.Contains(body, `"PaginationToken":"here"`) || !strings.Contains(body, `"Limit":60`) {
		t.Errorf("asked for %s", body)
	}
}

func TestTheIssuerIsCognitosUnlessAnEndpointIsGiven(t *testing.T) {
	issuer, err := NewDirectory(cognito.New(cognito.Options{Region: "eu-central-1"}), "eu-central-1_x", "app", "https://signin.example").Issuer(t.Context())
	want := identity.Issuer{
		URL: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x", ClientID: "app",
		JWKS:          "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x/.well-known/jwks.json",
		Authorization: "https://signin.example/oauth2/authorize", Token: "https://signin.example/oauth2/token",
		Logout: "https://signin.example/logout",
	}
	if diff := cmp.Diff(want, issuer); err != nil || diff != "" {
		t.Errorf("%v, issuer (-want +got):\n%s", err, diff)
	}
}

const somebodyElsewhere = `{"Username":"Google_42","Enabled":true,"UserAttributes":[{"Name":"sub","Value":"5c0de"},{"Name":"email","Value":"g@example.com"}]}`

func TestAPersonOfAnotherProviderIsFoundByTheSubjectOfTheirTokens(t *testing.T) {
	s := serve(t, refuse(400, "UserNotFoundException"), reply(200, `{"Users":[{"Username":"Google_42"}]}`), reply(200, somebodyElsewhere), reply(200, `{"Groups":[{"GroupName":"viewer"}]}`))
	got, err := s.account().Directory("pool", "app", "").Get(t.Context(), "5c0de")
	want := identity.User{ID: "5c0de", Email: "g@example.com", Groups: []string{"viewer"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	asked := s.asked()
	for i, want := range []string{`"Username":"5c0de"`, `"Filter":"sub = \"5c0de\""`, `"Username":"Google_42"`, `"Username":"Google_42"`} {
		if !strings.Contains(asked[i], want) {
			t.Errorf("call %d asks %s, want %s", i, asked[i], want)
		}
	}
}

func TestAPersonOfAnotherProviderIsDisabledByTheirName(t *testing.T) {
	s := serve(t, refuse(400, "UserNotFoundException"), reply(200, `{"Users":[{"Username":"Google_42"}]}`), reply(200, "{}"))
	if err := s.account().Directory("pool", "app", "").Disable(t.Context(), "5c0de"); err != nil {
		t.Fatal(err)
	}
	want := []string{"AdminDisableUser", "ListUsers", "AdminDisableUser"}
	if diff := cmp.Diff(want, s.targets()); diff != "" || !strings.Contains(s.asked()[2], `"Username":"Google_42"`) {
		t.Errorf("%s, -want +got:\n%s", s.asked()[2], diff)
	}
}

func TestWhatIsNoSubjectIsNotLookedUp(t *testing.T) {
	s := serve(t, refuse(400, "UserNotFoundException"))
	err := s.account().Directory("pool", "app", "").Enable(t.Context(), `" or sub ^= "`)
	wantKind(t, err, fault.NotFound)
	s.wants(t, 1)
}

func TestWhoIsNowhereIsNotThere(t *testing.T) {
	s := serve(t, refuse(400, "UserNotFoundException"), reply(200, `{"Users":[]}`))
	wantKind(t, s.account().Directory("pool", "app", "").SignOut(t.Context(), "5c0de"), fault.NotFound)
	s = serve(t, refuse(400, "UserNotFoundException"), reply(200, `{"Users":[]}`))
	if err := s.account().Directory("pool", "app", "").Delete(t.Context(), "5c0de"); err != nil {
		t.Errorf("deleting them: %v", err)
	}
}
