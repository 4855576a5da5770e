package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

func (a *app) users() *cobra.Command {
	return group("users", "Invite people, and manage who signs in",
		a.listUsers(), a.inviteUser(), a.disableUser("disable", true, "Keep a person out"), a.disableUser("enable", false, "Let a person in again"), a.resetUser())
}

func (a *app) listUsers() *cobra.Command {
	return command("list", "List people", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		text, err := a.pages(ctx, "/v1/users", "users", nil, 0)
		if err != nil {
			return err
		}
		return show(a, text, func(page struct {
			Users []struct {
				ID, Email, Role string
				Groups          []string
				Disabled        bool
			}
		}) error {
			rows := [][]string{}
			for _, u := range page.Users {
				rows = append(rows, []string{u.ID, u.Email, u.Role, strings.Join(u.Groups, " "), in(u.Disabled, "disabled", "")})
			}
			return a.table(heads("id", "e-mail", "role", "groups", ""), rows)
		})
	})
}

func (a *app) inviteUser() *cobra.Command {
	var groups []string
	c := command("invite EMAIL", "Invite a person; the one-time password is printed this once", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.secret(ctx, client.Request{Method: http.MethodPost, Path: "/v1/users", Body: body(map[string]any{"email": args[0], "groups": groups})})
	})
	c.Flags().StringSliceVar(&groups, "group", nil, "owner, admin, editor, analyst, viewer and producer are roles; others are for rules")
	return c
}

func (a *app) disableUser(verb string, disabled bool, short string) *cobra.Command {
	return command(verb+" ID", short, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.changed(ctx, client.Request{Method: http.MethodPatch, Path: "/v1/users/" + escape(args[0]), Body: body(map[string]any{"disabled": disabled}), Again: true}, verb+"d "+args[0])
	})
}

func (a *app) resetUser() *cobra.Command {
	return command("reset ID", "End all that a person signs in with; a one-time password is printed this once", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.secret(ctx, client.Request{Method: http.MethodPost, Path: "/v1/users/" + escape(args[0]) + "/reset"})
	})
}
