package oidc

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/tarnhq/tarn/shared/identity/identitytest"
)

func TestConformance(t *testing.T) {
	s := newSite(t)
	identitytest.Run(t, func(*testing.T) identitytest.Setup {
		return identitytest.Setup{
			Directory: s.Provider,
			Redirect:  s.url + "/",
			SignIn: func(ctx context.Context, page *url.URL, email, password string) (*url.URL, error) {
				got, err := newBrowser().fillIn(ctx, page.String(), email, password)
				if err != nil {
					return nil, err
				}
				if got.StatusCode != http.StatusSeeOther {
					return nil, fmt.Errorf("refused: %s", got.Status)
				}
				return got.Location()
			},
		}
	})
}
