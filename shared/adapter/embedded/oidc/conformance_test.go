package oidc

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/identity/identitytest"
)

func TestConformance(t *testing.T) {
	s := newSite(t)
	identitytest.Run(t, func(*testing.T) identitytest.Setup {
		return identitytest.Setup{
			Directory: s.Provider,
			Redirect:  s.url + "/",
			SignIn: func(ctx context.Context, page *url.URL, email, password string) (*url.URL, error) {
				s.clock.Time = s.clock.Add(time.Second) // a sign-in is later than what was done before
				return sentOn(newBrowser().fillIn(ctx, page.String(), email, password))
			},
			Choose: func(ctx context.Context, page *url.URL, email, oneTime, password string) (*url.URL, error) {
				return sentOn(newBrowser().fillIn(ctx, page.String(), email, oneTime, "new_password", password))
			},
			BeginFactor: func(ctx context.Context, user identity.User) error {
				seed, _, err := s.seeds.create(ctx, user.ID, nil)
				if err != nil {
					return err
				}
				return s.users.change(ctx, user.ID, func(a *account) { a.Factor = factor{Seed: seed} })
			},
		}
	})
}

func sentOn(got answer, err error) (*url.URL, error) {
	if err != nil {
		return nil, err
	}
	if got.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("refused: %s", got.Status)
	}
	return got.Location()
}
