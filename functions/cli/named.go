package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/terminal"
)

// noun is a kind of thing with a name, made from a JSON document: what is in that, and in
// the answers, is the API's business alone.
type noun struct {
	many, one string // "schedules", "schedule"
	columns   []string
}

func (n noun) path(name string) string { return "/v1/" + n.many + "/" + escape(name) }

func (a *app) listNamed(n noun) *cobra.Command {
	return command("list", "List "+n.many, cobra.NoArgs, func(ctx context.Context, _ []string) error {
		document, err := a.pages(ctx, "/v1/"+n.many, n.many, nil, 0)
		if err != nil {
			return err
		}
		return show(a, document, func(page map[string]json.RawMessage) error {
			var list []map[string]json.RawMessage
			if err := decode(page[n.many], &list); err != nil {
				return err
			}
			rows := [][]string{}
			for _, thing := range list {
				var row []string
				for _, c := range n.columns {
					row = append(row, text(thing[c], "–"))
				}
				rows = append(rows, row)
			}
			return a.table(heads(n.columns...), rows)
		})
	})
}

func (a *app) createNamed(n noun) *cobra.Command {
	return command("create FILE", "Make a "+n.one+" from a JSON document; - is the standard input", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		document, err := a.object(args[0])
		if err != nil {
			return err
		}
		return a.changed(ctx, client.Request{Method: http.MethodPost, Path: "/v1/" + n.many, Body: document}, "made")
	})
}

func (a *app) pauseNamed(n noun) *cobra.Command {
	return a.setPaused(n, "pause", true, "Pause a "+n.one)
}

func (a *app) resumeNamed(n noun) *cobra.Command {
	return a.setPaused(n, "resume", false, "Go on with a "+n.one)
}

func (a *app) setPaused(n noun, verb string, paused bool, short string) *cobra.Command {
	return command(verb+" NAME", short, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.changed(ctx, client.Request{Method: http.MethodPatch, Path: n.path(args[0]), Body: body(map[string]any{"paused": paused}), Again: true}, verb+"d "+args[0])
	})
}

func (a *app) runNamed(n noun) *cobra.Command {
	return command("run NAME", "Run a "+n.one+" now", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodPost, Path: n.path(args[0]) + "/run"})
		if err != nil {
			return err
		}
		return show(a, got.Body, a.members)
	})
}

func (a *app) deleteNamed(n noun) *cobra.Command {
	return command("delete NAME", "Delete a "+n.one, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.changed(ctx, client.Request{Method: http.MethodDelete, Path: n.path(args[0])}, "deleted "+args[0])
	})
}

// members prints whatever an object has.
func (a *app) members(of map[string]json.RawMessage) error {
	var facts [][2]string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		facts = append(facts, [2]string{name, text(of[name], "–")})
	}
	_, err := fmt.Fprint(a.out, terminal.Facts(facts))
	return err
}
