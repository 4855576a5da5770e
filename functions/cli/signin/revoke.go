package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Revoke ends a refresh token at the issuer (RFC 7009), where that can.
func Revoke(ctx context.Context, c *http.Client, of func() (Provider, error), refresh string) error {
	p, err := of()
	if err != nil {
		return err
	}
	known, err := oidc.NewProvider(oidc.ClientContext(ctx, c), p.Issuer)
	if err != nil {
		return err
	}
	var at struct {
		Revocation string `json:"revocation_endpoint"`
	}
	if err := known.Claims(&at); err != nil {
		return err
	}
	if at.Revocation == "" {
		return errors.New("the issuer cannot revoke")
	}
	form := url.Values{"token": {refresh}, "client_id": {p.ClientID}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the issuer answered %s", res.Status)
	}
	return nil
}
