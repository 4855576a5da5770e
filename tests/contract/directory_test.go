package contract

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/identity/identitytest"
	"github.com/tarnhq/tarn/tests/oracle"
)

var directoryExcuses = excuses{
	"List pages through every user once":                                 "it returns all users at once",
	"the nonce comes back in the ID token":                               "its tokens have no nonce",
	"a weak password is Invalid, and makes no user":                      "it takes any password",
	"a disabled user can neither refresh nor sign in":                    "it lets disabled users in",
	"a one-time password alone signs nobody in":                          "its page asks for no other",
	"signing out an unknown user is NotFound":                            "it signs nobody out",
	"who is signed out everywhere cannot refresh, and may sign in again": "it signs nobody out",
	"the discovery document agrees with the issuer":                      "its document names a fixed port and no endpoints",
	"a reset user is who they were":                                      "it ends no second factors",
	"a reset user who was disabled stays so":                             "it ends no second factors",
	"the password of before a reset is not good any more":                "it ends no second factors",
	"who was reset cannot refresh":                                       "it ends no second factors",
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	const redirect = "http://127.0.0.1:8080/signed-in"
	services := oracle.Start(t, oracle.Cognito)
	pool := services.UserPool(t, redirect)
	identitytest.Run(t, func(t *testing.T) identitytest.Setup {
		setup := identitytest.Setup{
			Directory: aws.NewDirectory(services.Cognito(), pool.ID, pool.App, pool.Domain),
			Redirect:  redirect,
		}
		if !oracle.Real() { // Cognito's own pages need a browser
			setup.SignIn, setup.Skip = signIn, directoryExcuses
		}
		return setup
	})
}

// TestDirectoryOnMoto shows what cognito-local cannot: resets among it.
func TestDirectoryOnMoto(t *testing.T) {
	if oracle.Real() {
		t.Skip("TestDirectory asks the account itself")
	}
	t.Parallel()
	const redirect = "http://127.0.0.1:8080/signed-in"
	services := oracle.Start(t, oracle.Secrets)
	pool := services.UserPool(t, redirect)
	identitytest.Run(t, func(t *testing.T) identitytest.Setup {
		return identitytest.Setup{Directory: aws.NewDirectory(services.Cognito(), pool.ID, pool.App, pool.Domain), Redirect: redirect}
	})
}

// signIn posts the form that the emulator's sign-in page holds.
func signIn(ctx context.Context, page *url.URL, email, password string) (*url.URL, error) {
	form := page.Query()
	form.Set("username", email)
	form.Set("password", password)
	target := *page
	target.RawQuery = ""
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultTransport.RoundTrip(request) // which follows no redirect
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("the sign-in page answered %s", answer.Status)
	}
	return answer.Location()
}
