package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

// dataset is what the list and the detail of datasets have in common.
type dataset struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Created  time.Time `json:"created"`
	Settings struct {
		Description string `json:"description"`
	} `json:"settings"`
	Rows   *int64 `json:"rows"` // absent where the caller sees a part of them
	Bytes  *int64 `json:"bytes"`
	Schema struct {
		Columns []column `json:"columns"`
	} `json:"schema"`
}

type column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Declared bool   `json:"declared"`
}

func (a *app) datasets() *cobra.Command {
	return group("datasets", "Make, read and change datasets",
		a.listDatasets(), a.createDataset(), a.showDataset(), a.setDataset(), a.deleteDataset())
}

func (a *app) listDatasets() *cobra.Command {
	return command("list", "List the datasets that you may read", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		text, err := a.pages(ctx, "/v1/datasets", "datasets", nil, 0)
		if err != nil {
			return err
		}
		return show(a, text, func(page struct{ Datasets []dataset }) error {
			rows := [][]string{}
			for _, d := range page.Datasets {
				rows = append(rows, []string{d.Name, d.Kind, when(d.Created), d.Settings.Description})
			}
			return a.table(heads("dataset", "kind", "created (UTC)", "description"), rows)
		})
	})
}

// settings are the flags of what can be set.
type settings struct {
	columns     []string
	description string
	conflict    string
	retention   int
	time        string
}

func (s *settings) register(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&s.columns, "column", nil, "declare a column: price:float (bool, int, float, text, time, json)")
	f.StringVar(&s.description, "description", "", "what it holds")
	f.StringVar(&s.conflict, "on-conflict", "", "what becomes of a value that its column cannot hold: quarantine or keep")
	f.StringVar(&s.time, "time-column", "", "of a table: the column of times that questions by period are about")
	f.IntVar(&s.retention, "retention-days", 0, "days that events are kept; 0: for ever")
}

// change is what the flags that were given ask for.
func (s *settings) change(c *cobra.Command) (map[string]any, error) {
	out, set := map[string]any{}, map[string]any{}
	for flag, value := range map[string]any{"description": s.description, "on-conflict": s.conflict, "retention-days": s.retention, "time-column": s.time} {
		if c.Flags().Changed(flag) {
			set[strings.ReplaceAll(flag, "-", "_")] = value
		}
	}
	if len(set) > 0 {
		out["settings"] = set
	}
	var columns []column
	for _, text := range s.columns {
		i := strings.LastIndexByte(text, ':')
		if i < 1 || i == len(text)-1 {
			return nil, wrong("column %q: write name:type, such as price:float", text)
		}
		columns = append(columns, column{Name: text[:i], Type: text[i+1:]})
	}
	if columns != nil {
		out["columns"] = columns
	}
	return out, nil
}

func (a *app) createDataset() *cobra.Command {
	var s settings
	var kind string
	var c *cobra.Command
	c = command("create NAME", "Make a dataset", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		spec, err := s.change(c)
		if err != nil {
			return err
		}
		spec["name"], spec["kind"] = args[0], kind
		return a.changed(ctx, client.Request{Method: http.MethodPost, Path: "/v1/datasets", Body: body(spec)}, "made "+args[0])
	})
	c.Flags().StringVar(&kind, "kind", "events", "events or table")
	s.register(c)
	return c
}

// changed sends a change, and prints what became of it where that is asked for.
func (a *app) changed(ctx context.Context, r client.Request, done string) error {
	got, err := a.do(ctx, r)
	if err != nil {
		return err
	}
	if a.json && len(got.Body) > 0 {
		return a.document(got.Body)
	}
	a.note("%s", done)
	return nil
}

func (a *app) showDataset() *cobra.Command {
	return a.onDataset(command("show DATASET", "Show a dataset's columns and settings", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/datasets/" + escape(args[0])})
		if err != nil {
			return err
		}
		return show(a, got.Body, func(d dataset) error {
			var raw struct {
				Settings json.RawMessage `json:"settings"`
			}
			if err := decode(got.Body, &raw); err != nil {
				return err
			}
			if err := a.facts([][2]string{{"dataset", d.Name}, {"kind", d.Kind}, {"created", when(d.Created)}, {"rows", number(d.Rows)}, {"bytes", number(d.Bytes)}, {"settings", string(raw.Settings)}}...); err != nil {
				return err
			}
			rows := [][]string{}
			for _, c := range d.Schema.Columns {
				rows = append(rows, []string{c.Name, c.Type, in(c.Declared, "declared", "")})
			}
			return a.table(heads("column", "type", ""), rows)
		})
	}))
}

func number(n *int64) string {
	if n == nil {
		return "–"
	}
	return strconv.FormatInt(*n, 10)
}

func (a *app) setDataset() *cobra.Command {
	var s settings
	var c *cobra.Command
	c = a.onDataset(command("set DATASET", "Change a dataset's settings, or declare columns", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		change, err := s.change(c)
		if err != nil {
			return err
		}
		if len(change) == 0 {
			return wrong("say what to change, such as --description")
		}
		return a.changed(ctx, client.Request{Method: http.MethodPatch, Path: "/v1/datasets/" + escape(args[0]), Body: body(change), Again: true}, "changed "+args[0])
	}))
	s.register(c)
	return c
}

func (a *app) deleteDataset() *cobra.Command {
	var sure bool
	c := a.onDataset(command("delete DATASET", "Delete a dataset and its data, for good", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		if !sure {
			return wrong("the data of %s will be gone for good; say --yes", args[0])
		}
		return a.changed(ctx, client.Request{Method: http.MethodDelete, Path: "/v1/datasets/" + escape(args[0])}, "deleted "+args[0])
	}))
	c.Flags().BoolVar(&sure, "yes", false, "you are sure")
	return c
}
