package reference

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

// ask asks as somebody whose credential nobody could look up.
func ask(d Deps, path string) *httptest.ResponseRecorder {
	identify := func(*http.Request) (access.Principal, error) { return access.Principal{}, errors.New("away") }
	s := api.New(identify, time.Now, slog.New(slog.DiscardHandler))
	Register(s, d)
	out := httptest.NewRecorder()
	s.ServeHTTP(out, httptest.NewRequest(http.MethodGet, path, nil))
	return out
}

func TestAnyoneLearnsHowToGetIn(t *testing.T) {
	d := Deps{
		Issuer: func(context.Context) (identity.Issuer, error) {
			return identity.Issuer{URL: "https://id", ClientID: "console", Authorization: "https://id/authorize", Token: "https://id/token", Logout: "https://id/logout"}, nil
		},
		Document: func() ([]byte, error) { return []byte(`{"openapi":"3.1.0"}`), nil },
	}
	for path, want := range map[string]string{
		"/healthz":      `{"ok":true}` + "\n",
		"/openapi.json": `{"openapi":"3.1.0"}`,
		"/v1/sign-in":   `{"issuer":"https://id","client_id":"console","authorization":"https://id/authorize","token":"https://id/token","logout":"https://id/logout"}` + "\n",
	} {
		out := ask(d, path)
		if diff := cmp.Diff(want, out.Body.String()); diff != "" || out.Code != http.StatusOK || out.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %s", path, out.Code, out.Header().Get("Content-Type"), diff)
		}
	}
}

func TestTheServiceIsHealthyWhoeverElseIsNot(t *testing.T) {
	d := Deps{
		Issuer: func(context.Context) (identity.Issuer, error) {
			return identity.Issuer{}, fault.New(fault.Unavailable, "away", "away")
		},
		Document: func() ([]byte, error) { return nil, errors.New("broken") },
	}
	for path, want := range map[string]int{"/healthz": 200, "/v1/sign-in": 503, "/openapi.json": 500} {
		if out := ask(d, path); out.Code != want {
			t.Errorf("%s: %d %s", path, out.Code, out.Body)
		}
	}
}
