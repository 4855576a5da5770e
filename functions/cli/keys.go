package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/question"
)

func (a *app) keys() *cobra.Command {
	return group("keys", "Make, list and revoke API keys", a.listKeys(), a.createKey(), a.rotateKey(), a.revokeKey())
}

func (a *app) listKeys() *cobra.Command {
	return command("list", "List API keys", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		text, err := a.pages(ctx, "/v1/keys", "keys", nil, 0)
		if err != nil {
			return err
		}
		return show(a, text, func(page struct {
			Keys []struct {
				ID, Name, Role, Dataset   string
				Created, Expires, Revoked time.Time
				Used                      time.Time `json:"last_used"`
			}
		}) error {
			rows := [][]string{}
			for _, k := range page.Keys {
				state := "good"
				switch {
				case !k.Revoked.IsZero():
					state = "revoked"
				case !k.Expires.IsZero() && !a.now().Before(k.Expires):
					state = "expired"
				}
				rows = append(rows, []string{k.ID, k.Name, k.Role, first(k.Dataset, "all"), state, when(k.Created), when(k.Used)})
			}
			return a.table(heads("id", "name", "role", "dataset", "state", "created (UTC)", "used (UTC)"), rows)
		})
	})
}

func (a *app) createKey() *cobra.Command {
	var role, of, expires string
	var scopes []string
	c := command("create NAME", "Make an API key; it is printed this once", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		spec := map[string]any{"name": args[0], "role": role}
		if of != "" {
			spec["dataset"] = of
		}
		if len(scopes) > 0 {
			spec["scopes"] = scopes
		}
		if expires != "" {
			at, err := question.Moment(expires, a.now(), time.UTC)
			if err != nil {
				return wrong("--expires: %v", err)
			}
			spec["expires"] = at
		}
		return a.secret(ctx, client.Request{Method: http.MethodPost, Path: "/v1/keys", Body: body(spec)})
	})
	c.Flags().StringVar(&role, "role", "", "owner, admin, editor, analyst, viewer or producer")
	c.Flags().StringVar(&of, "dataset", "", "the only dataset that it may touch")
	c.Flags().StringSliceVar(&scopes, "scope", nil, "the only actions that it may do")
	c.Flags().StringVar(&expires, "expires", "", "a date or a time")
	_ = c.MarkFlagRequired("role") // the flag is there
	return c
}

// secret prints the key or the password that is shown once: on the standard output by
// itself, so that a script can keep it.
func (a *app) secret(ctx context.Context, r client.Request) error {
	got, err := a.do(ctx, r)
	if err != nil {
		return err
	}
	return show(a, got.Body, func(made struct{ ID, Key, Password string }) error {
		if made.ID != "" {
			a.note("id %s; what follows is shown this once", made.ID)
		}
		_, err := fmt.Fprintln(a.out, first(made.Key, made.Password))
		return err
	})
}

func (a *app) rotateKey() *cobra.Command {
	var overlap time.Duration
	c := command("rotate ID", "Give a key a new secret; the one before stays good for a while", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.secret(ctx, client.Request{Method: http.MethodPost, Path: "/v1/keys/" + escape(args[0]) + "/rotate", Body: body(map[string]any{"overlap_seconds": int64(overlap.Seconds())})})
	})
	c.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the secret before stays good")
	return c
}

func (a *app) revokeKey() *cobra.Command {
	return command("revoke ID", "Revoke a key", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.changed(ctx, client.Request{Method: http.MethodDelete, Path: "/v1/keys/" + escape(args[0])}, "revoked "+args[0])
	})
}
