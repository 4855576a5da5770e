package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

var connectorNoun = noun{many: "connectors", one: "connector"}

func (a *app) connectors() *cobra.Command {
	return group("connectors", "Make and steer what is read from elsewhere",
		a.listConnectors(), a.createConnector(), a.testConnector(), a.sourceTables(), a.syncConnector(), a.deleteConnector())
}

func (a *app) listConnectors() *cobra.Command {
	return command("list", "List connectors, with their last syncs", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/connectors"})
		if err != nil {
			return err
		}
		return show(a, got.Body, func(page struct {
			Connectors []struct {
				Name, Kind string
				Tables     []struct{ Table string }
				Last       struct {
					State string
					Rows  int64
					Ended time.Time
				} `json:"last_sync"`
			}
		}) error {
			rows := [][]string{}
			for _, c := range page.Connectors {
				rows = append(rows, []string{c.Name, c.Kind, fmt.Sprint(len(c.Tables)), first(c.Last.State, "never"), fmt.Sprint(c.Last.Rows), when(c.Last.Ended)})
			}
			return a.table(heads("name", "kind", ">tables", "last sync", ">rows", "ended (UTC)"), rows)
		})
	})
}

func (a *app) createConnector() *cobra.Command {
	var dsn, settings string
	c := command("create FILE", "Make a connector from a JSON document; - is the standard input", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		document, err := a.connectorOf(args[0], dsn, settings)
		if err != nil {
			return err
		}
		return a.changed(ctx, client.Request{Method: http.MethodPost, Path: "/v1/connectors", Body: document}, "made")
	})
	c.Long = "Make a connector from a JSON document.\n\nThe connection string is in the document, or in a file of its own, or in TARN_DSN; never in a flag, which everybody on a machine can see."
	c.Flags().StringVar(&dsn, "dsn-file", "", "a file that holds the connection string; - is the standard input")
	c.Flags().StringVar(&settings, "settings", "", "a file that holds the settings of its kind, a JSON object")
	return c
}

// connectorOf returns the document of a connector, with what lies in files of its own.
func (a *app) connectorOf(path, dsn, settings string) ([]byte, error) {
	if path == "-" && (dsn == "-" || settings == "-") || dsn == "-" && settings == "-" {
		return nil, wrong("the standard input holds one thing: give the others as files")
	}
	text, err := a.object(path)
	if err != nil {
		return nil, err
	}
	var document map[string]json.RawMessage
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if settings != "" {
		if document["settings"], err = a.object(settings); err != nil {
			return nil, err
		}
	}
	if document["dsn"] != nil {
		if dsn != "" {
			return nil, wrong("%s holds a connection string, and --dsn-file names another", path)
		}
		return body(document), nil
	}
	secret := a.env("TARN_DSN")
	if dsn != "" {
		text, err := a.input(dsn)
		if err != nil {
			return nil, err
		}
		secret = strings.TrimSpace(string(text))
	}
	if secret == "" {
		return nil, wrong("there is no connection string; give it as \"dsn\" in %s, with --dsn-file or in TARN_DSN", path)
	}
	document["dsn"] = body(secret)
	return body(document), nil
}

func (a *app) testConnector() *cobra.Command {
	return command("test NAME", "Try whether a connector's source answers", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.changed(ctx, client.Request{Method: http.MethodPost, Path: connectorNoun.path(args[0]) + "/test", Again: true}, "the source of "+args[0]+" answers")
	})
}

func (a *app) sourceTables() *cobra.Command {
	return command("tables NAME", "List the tables that a connector's source has", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: connectorNoun.path(args[0]) + "/tables"})
		if err != nil {
			return err
		}
		return show(a, got.Body, func(found struct {
			Tables []struct {
				Table   string
				Key     []string
				Columns []column
			}
		}) error {
			rows := [][]string{}
			for _, t := range found.Tables {
				var columns []string
				for _, c := range t.Columns {
					columns = append(columns, c.Name+" "+c.Type)
				}
				rows = append(rows, []string{t.Table, first(strings.Join(t.Key, ", "), "–"), strings.Join(columns, ", ")})
			}
			return a.table(heads("table", "key", "columns"), rows)
		})
	})
}

func (a *app) syncConnector() *cobra.Command {
	var full, wait bool
	c := command("sync NAME", "Bring a connector's datasets up to date; prints the job", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodPost, Path: connectorNoun.path(args[0]) + "/sync", Body: body(map[string]bool{"full": full})})
		if err != nil {
			return err
		}
		var ordered struct {
			Job string `json:"job_id"`
		}
		if err := decode(got.Body, &ordered); err != nil {
			return err
		}
		if !wait {
			return a.ordered(got.Body, ordered.Job)
		}
		return a.synced(ctx, ordered.Job)
	})
	c.Flags().BoolVar(&full, "full", false, "read everything anew, in the stead of what is there")
	c.Flags().BoolVar(&wait, "wait", false, "wait for it to end, and print what was read")
	return c
}

// synced waits for a sync. Rows that went to quarantine are a check that failed.
func (a *app) synced(ctx context.Context, id string) error {
	j, text, err := a.follow(ctx, id, "sync")
	if err != nil {
		return err
	}
	if err := j.failure(); err != nil {
		return err
	}
	var result struct {
		Tables map[string]struct{ Rows, Replaced, Quarantined int64 }
	}
	if err := decode(j.Result, &result); err != nil {
		return err
	}
	rows, bad := [][]string{}, int64(0)
	for _, name := range slices.Sorted(maps.Keys(result.Tables)) {
		t := result.Tables[name]
		bad += t.Quarantined
		rows = append(rows, []string{name, fmt.Sprint(t.Rows), fmt.Sprint(t.Replaced), fmt.Sprint(t.Quarantined)})
	}
	if a.json {
		err = a.document(text)
	} else {
		err = a.table(heads("table", ">rows", ">replaced", ">quarantined"), rows)
	}
	if err != nil {
		return err
	}
	if bad > 0 {
		return unfit("%d rows are in quarantine; tarn quarantine list DATASET", bad)
	}
	return nil
}

func (a *app) deleteConnector() *cobra.Command {
	var keep bool
	c := command("delete NAME", "Delete a connector; its datasets stay", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		r := client.Request{Method: http.MethodDelete, Path: connectorNoun.path(args[0])}
		if keep {
			r.Query = url.Values{"keep_slot": {"true"}}
		}
		return a.changed(ctx, r, "deleted "+args[0])
	})
	c.Flags().BoolVar(&keep, "keep-slot", false, "even if the source cannot be reached; what keeps changes there has to be dropped by hand")
	return c
}
