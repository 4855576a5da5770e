package main

import (
	"context"
	"net/http"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/profile"
	"github.com/tarnhq/tarn/functions/cli/signin"
)

func (a *app) signIn() *cobra.Command {
	var noBrowser bool
	c := command("sign-in", "Sign in with your browser", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		name, p, err := a.chosen()
		if err != nil {
			return err
		}
		if name == "" {
			return wrong("a session is kept in a profile; make one: tarn profile add NAME --url %s", p.URL)
		}
		p.Key, p.Tokens = "", nil
		c, err := a.clientOf(name, p)
		if err != nil {
			return err
		}
		provider, err := a.provider(ctx, c)
		if err != nil {
			return err
		}
		tokens, err := signin.Run(ctx, c.HTTP, provider, func(address string) error {
			a.note("Sign in at\n  %s", address)
			if noBrowser {
				return nil
			}
			a.browse(address)
			return nil
		})
		if err != nil {
			return err
		}
		p.Tokens = &tokens
		if err := a.changeProfiles(func(all *profile.Config) error { all.Profiles[name] = p; return nil }); err != nil {
			return err
		}
		a.note("signed in to %s", p.URL)
		return nil
	})
	c.Flags().BoolVar(&noBrowser, "no-browser", false, "print the address alone, and wait")
	return c
}

// browse shows an address in $BROWSER, or with the system's own opener. Where neither is
// there, the person has read it.
func (a *app) browse(address string) {
	program, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		program = "open"
	case "windows":
		program, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	if own := a.env("BROWSER"); own != "" {
		program, args = own, []string{address}
	}
	if path, err := exec.LookPath(program); err == nil {
		_ = exec.Command(path, args...).Start() // #nosec G204 -- the person's own opener, with one address
	}
}

func (a *app) signOut() *cobra.Command {
	return command("sign-out", "Forget the session on this machine", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		name, p, err := a.chosen()
		if err != nil {
			return err
		}
		if p.Tokens == nil {
			a.note("nobody is signed in to %s", p.URL)
			return nil
		}
		c, err := a.clientOf(name, profile.Profile{URL: p.URL, CA: p.CA})
		if err != nil {
			return err
		}
		ended := signin.Revoke(ctx, c.HTTP, func() (signin.Provider, error) { return a.provider(ctx, c) }, p.Tokens.Refresh)
		err = a.changeProfiles(func(all *profile.Config) error {
			now := all.Profiles[name]
			now.Tokens = nil
			all.Profiles[name] = now
			return nil
		})
		if err == nil && ended != nil {
			a.note("signed out here; the refresh token could not be revoked and ends within 30 days: %v", ended)
		}
		return err
	})
}

// caller is what GET /v1/me tells.
type caller struct {
	Tenant  string   `json:"tenant"`
	ID      string   `json:"id"`
	Role    string   `json:"role"`
	Dataset string   `json:"dataset"`
	Actions []string `json:"actions"`
}

func (a *app) whoami() *cobra.Command {
	return command("whoami", "Tell who you are to the server, and what you may do", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/me"})
		if err != nil {
			return err
		}
		name, p, err := a.chosen()
		if err != nil {
			return err
		}
		return show(a, got.Body, func(me caller) error {
			return a.facts([][2]string{
				{"profile", first(name, "none (TARN_URL)")}, {"url", p.URL}, {"caller", me.ID}, {"role", me.Role}, {"workspace", me.Tenant},
				{"dataset", first(me.Dataset, "all")}, {"actions", strings.Join(me.Actions, " ")},
			}...)
		})
	})
}
