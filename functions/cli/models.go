package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

func (a *app) models() *cobra.Command {
	return group("models", "Write, try and build transformations",
		a.listModels(), a.pushModels(), a.pullModels(), a.runModels(), a.tryModels())
}

// folder is the models as the API tells of them.
type folder struct {
	Version int
	Files   map[string]string
	Models  []struct {
		Name, By, Run string
		Grain         string
		Models        []string
		Sources       []string
		Status        struct {
			Outcome string
			At      time.Time
			Rows    int64
			Error   *struct{ Message string }
		}
	}
}

func (a *app) getModels(ctx context.Context) (f folder, document []byte, err error) {
	got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/models"})
	if err != nil {
		return f, nil, err
	}
	return f, got.Body, decode(got.Body, &f)
}

func (a *app) listModels() *cobra.Command {
	return command("list", "List models, with how their last builds ended", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		_, document, err := a.getModels(ctx)
		if err != nil {
			return err
		}
		return show(a, document, a.modelsTable)
	})
}

func (a *app) modelsTable(f folder) error {
	rows := [][]string{}
	for _, m := range f.Models {
		by, why := strings.TrimSpace(m.By+" "+m.Grain), ""
		if m.Status.Error != nil {
			why = m.Status.Error.Message
		}
		rows = append(rows, []string{m.Name, strings.Join(append(m.Models, m.Sources...), ", "), first(by, "–"), m.Run,
			first(m.Status.Outcome, "never built"), when(m.Status.At), fmt.Sprint(m.Status.Rows), why})
	}
	return a.table(heads("model", "reads", "parts by", "run", "last build", "at (UTC)", ">rows", "why"), rows)
}

func (a *app) pushModels() *cobra.Command {
	var from int
	c := command("push DIR", "Put the .sql and .yml files below a folder in the place of the models", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		files, err := modelFiles(args[0])
		if err != nil {
			return err
		}
		if from < 0 {
			now, _, err := a.getModels(ctx)
			if err != nil {
				return err
			}
			from = now.Version
		}
		got, err := a.do(ctx, client.Request{Method: http.MethodPut, Path: "/v1/models", Body: body(map[string]any{"files": files, "from_version": from})})
		if err != nil {
			return err
		}
		return show(a, got.Body, func(f folder) error {
			a.note("the models are at version %d", f.Version)
			return a.modelsTable(f)
		})
	})
	c.Long = "Put the .sql and .yml files below a folder in the place of the models. Files that are not in the folder are models no more; the datasets of their results stay."
	c.Flags().IntVar(&from, "from-version", -1, "the version that was changed; refused if it is not the newest any more (default: whichever is the newest)")
	return c
}

func (a *app) pullModels() *cobra.Command {
	return command("pull DIR", "Write the models' files into a folder; prints their names", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		f, document, err := a.getModels(ctx)
		if err != nil {
			return err
		}
		names, err := writeModels(args[0], f.Files)
		if err != nil {
			return err
		}
		if a.json {
			return a.document(document)
		}
		a.note("version %d", f.Version)
		for _, name := range names {
			if _, err := fmt.Fprintln(a.out, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// buildFlags are what may be said of a build and of its dry run.
type buildFlags struct {
	full        bool
	from, until string
}

func (b *buildFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&b.full, "full", false, "all of each, and not only what changed")
	c.Flags().StringVar(&b.from, "from", "", "with --until: the parts of this period anew; 2026-01-31 or 2026-01-31T12:00:00Z")
	c.Flags().StringVar(&b.until, "until", "", "the end of the period, which is not part of it")
}

// request is the flags as the API has them.
func (b *buildFlags) request(models []string) (map[string]any, error) {
	r := map[string]any{}
	if len(models) > 0 {
		r["models"] = models
	}
	if b.full {
		r["full"] = true
	}
	for name, text := range map[string]string{"from": b.from, "until": b.until} {
		if text == "" {
			continue
		}
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			at, err = time.Parse(time.RFC3339, text)
		}
		if err != nil {
			return nil, wrong("--%s %s is no day and no time: 2026-01-31, or 2026-01-31T12:00:00Z", name, text)
		}
		r[name] = at
	}
	return r, nil
}

func (a *app) runModels() *cobra.Command {
	var flags buildFlags
	c := command("run [NAME…]", "Build models, and what depends on them, as far as something changed; without names, all", cobra.ArbitraryArgs, func(ctx context.Context, args []string) error {
		request, err := flags.request(args)
		if err != nil {
			return err
		}
		return a.followed(ctx, "/v1/model-runs", request, "models", func(result json.RawMessage) error {
			var built struct {
				Models []struct {
					Model, Outcome        string
					Full                  bool
					Parts, Rows, Replaced int64
				}
			}
			if err := decode(result, &built); err != nil {
				return err
			}
			rows := [][]string{}
			for _, m := range built.Models {
				rows = append(rows, []string{m.Model, m.Outcome, extent(m.Outcome == "built" && m.Full, m.Parts), fmt.Sprint(m.Rows), fmt.Sprint(m.Replaced)})
			}
			return a.table(heads("model", "outcome", ">parts", ">rows", ">replaced"), rows)
		})
	})
	flags.add(c)
	return c
}

// extent is how much of a model is built.
func extent(full bool, parts int64) string {
	if full {
		return "all"
	}
	return fmt.Sprint(parts)
}

func (a *app) tryModels() *cobra.Command {
	var flags buildFlags
	c := command("dry-run [DIR]", "Tell which numbers a build would change, by the models there are or by those of a folder", cobra.MaximumNArgs(1), func(ctx context.Context, args []string) error {
		request, err := flags.request(nil)
		if err != nil {
			return err
		}
		if len(args) == 1 {
			if request["files"], err = modelFiles(args[0]); err != nil {
				return err
			}
		}
		return a.followed(ctx, "/v1/model-dry-runs", request, "dry run", a.differences)
	})
	flags.add(c)
	return c
}

// differences prints what a dry run told: a line for each model, and for each sum that
// changes. A model that cannot be built is a check that failed.
func (a *app) differences(result json.RawMessage) error {
	var told struct {
		Differences []struct {
			Model                         string
			New, Full                     bool
			Parts                         int64
			Before, After, Added, Removed int64
			Sums                          []struct {
				Column        string
				Before, After json.RawMessage
			}
			Failed string
		}
	}
	if err := decode(result, &told); err != nil {
		return err
	}
	rows, failed := [][]string{}, 0
	for _, d := range told.Differences {
		if d.Failed != "" {
			failed++
			rows = append(rows, []string{d.Model, "fails: " + d.Failed, "", "", "", "", ""})
			continue
		}
		rows = append(rows, []string{d.Model, "rows", fmt.Sprint(d.Before), fmt.Sprint(d.After), fmt.Sprint(d.Added), fmt.Sprint(d.Removed), extent(d.Full, d.Parts)})
		for _, s := range d.Sums {
			rows = append(rows, []string{"", "sum of " + s.Column, text(s.Before, "–"), text(s.After, "–"), "", "", ""})
		}
	}
	if err := a.table(heads("model", "what", ">before", ">after", ">added", ">removed", ">parts"), rows); err != nil {
		return err
	}
	if failed > 0 {
		return unfit("%d of %d models cannot be built", failed, len(told.Differences))
	}
	return nil
}

// followed orders a job, waits for its end and prints its result.
func (a *app) followed(ctx context.Context, path string, request any, label string, human func(result json.RawMessage) error) error {
	got, err := a.do(ctx, client.Request{Method: http.MethodPost, Path: path, Body: body(request)})
	if err != nil {
		return err
	}
	var ordered struct {
		Job string `json:"job_id"`
	}
	if err := decode(got.Body, &ordered); err != nil {
		return err
	}
	j, document, err := a.follow(ctx, ordered.Job, label)
	if err != nil {
		return err
	}
	if a.json {
		if err := a.document(document); err != nil {
			return err
		}
		return j.failure()
	}
	if err := j.failure(); err != nil {
		return err
	}
	return human(j.Result)
}
