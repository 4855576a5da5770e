package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

func (a *app) enrichment() *cobra.Command {
	return group("enrichment", "See, try and change what is done to events on their way in",
		a.getEnrichment(), a.listEnrichments(), a.putEnrichment(), a.previewEnrichment())
}

// enrichment is a version as the API tells of it.
type enrichment struct {
	Version int
	Created time.Time
	By      string
	Steps   []map[string]json.RawMessage
}

func enrichmentPath(dataset string) string {
	return "/v1/datasets/" + url.PathEscape(dataset) + "/enrichment"
}

// stepsTable prints steps with their numbers, by which answers name them.
func (a *app) stepsTable(e enrichment) error {
	a.note("version %d", e.Version)
	rows := [][]string{}
	for i, step := range e.Steps {
		for _, kind := range slices.Sorted(maps.Keys(step)) { // one
			rows = append(rows, []string{strconv.Itoa(i + 1), kind, string(step[kind])})
		}
	}
	return a.table(heads(">step", "does", "with"), rows)
}

func (a *app) getEnrichment() *cobra.Command {
	var version int
	c := a.onDataset(command("get DATASET", "Show the list of steps; with --json, as put takes it", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		query := url.Values{}
		if version > 0 {
			query.Set("version", strconv.Itoa(version))
		}
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: enrichmentPath(args[0]), Query: query})
		if err != nil {
			return err
		}
		return show(a, got.Body, a.stepsTable)
	}))
	c.Flags().IntVar(&version, "version", 0, "an older one (default: the newest)")
	return c
}

func (a *app) listEnrichments() *cobra.Command {
	return a.onDataset(command("versions DATASET", "List the versions there were, with who made them", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		document, err := a.pages(ctx, enrichmentPath(args[0])+"/versions", "versions", nil, 0)
		if err != nil {
			return err
		}
		return show(a, document, func(list struct{ Versions []enrichment }) error {
			rows := [][]string{}
			for _, e := range list.Versions {
				rows = append(rows, []string{strconv.Itoa(e.Version), when(e.Created), e.By, strconv.Itoa(len(e.Steps))})
			}
			return a.table(heads(">version", "made (UTC)", "by", ">steps"), rows)
		})
	}))
}

// steps reads a file with a list, or with an object that has one, as get prints it and as
// the API takes it. Of that no more is kept than the members which are given.
func (a *app) steps(path string, members ...string) (map[string]json.RawMessage, error) {
	text, err := a.input(path)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil {
		return map[string]json.RawMessage{"steps": text}, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object["steps"] == nil {
		return nil, wrong("%s holds neither a list of steps nor an object with \"steps\"", path)
	}
	maps.DeleteFunc(object, func(name string, _ json.RawMessage) bool { return name != "steps" && !slices.Contains(members, name) })
	return object, nil
}

func (a *app) putEnrichment() *cobra.Command {
	from := -1
	c := a.onDataset(command("put DATASET FILE", "Make a list of steps the next version; - is the standard input", cobra.ExactArgs(2), func(ctx context.Context, args []string) error {
		proposal, err := a.steps(args[1], "samples")
		if err != nil {
			return err
		}
		if from < 0 {
			if from, err = a.newestEnrichment(ctx, args[0]); err != nil {
				return err
			}
		}
		proposal["from_version"] = body(from)
		got, err := a.do(ctx, client.Request{Method: http.MethodPut, Path: enrichmentPath(args[0]), Body: body(proposal), Again: true})
		if err != nil {
			return err
		}
		return show(a, got.Body, a.stepsTable)
	}))
	c.Long = "Make a list of steps the next version. The file holds the list, or an object with \"steps\" and, where wanted, \"samples\": events with what must become of them, or the list is refused. [] ends the enrichment."
	c.Flags().IntVar(&from, "from-version", -1, "the version that was changed; refused if it is not the newest any more (default: whichever is the newest)")
	return c
}

// newestEnrichment returns the number of the newest version; 0: there is none.
func (a *app) newestEnrichment(ctx context.Context, dataset string) (int, error) {
	got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/datasets/" + url.PathEscape(dataset)})
	if err != nil {
		return 0, err
	}
	var d struct{ Enrichment int }
	return d.Enrichment, decode(got.Body, &d)
}

// outcome is what became of an event in a preview.
type outcome struct {
	Before, After      json.RawMessage
	Fate, Code, Reason string
	Step               int
}

func (a *app) previewEnrichment() *cobra.Command {
	var events string
	var last int
	c := a.onDataset(command("preview DATASET FILE", "Show what a list of steps would make of events; nothing is stored", cobra.ExactArgs(2), func(ctx context.Context, args []string) error {
		trial, err := a.steps(args[1])
		if err != nil {
			return err
		}
		if events != "" {
			some, err := a.samples(events)
			if err != nil {
				return err
			}
			trial["events"] = body(some)
		} else {
			trial["last"] = body(last)
		}
		got, err := a.do(ctx, client.Request{Method: http.MethodPost, Path: enrichmentPath(args[0]) + "/preview", Body: body(trial), Again: true})
		if err != nil {
			return err
		}
		return show(a, got.Body, a.outcomesTable)
	}))
	c.Flags().StringVar(&events, "events", "", "a file of events, as send takes them (default: the last ones that are stored)")
	c.Flags().IntVar(&last, "last", 10, "how many of those")
	return c
}

// samples reads events from a file.
func (a *app) samples(path string) (all []map[string]json.RawMessage, err error) {
	text, err := a.input(path)
	if err != nil {
		return nil, err
	}
	err = readObjects(bytes.NewReader(text), func(event map[string]json.RawMessage) error {
		all = append(all, event)
		return nil
	})
	return all, err
}

func (a *app) outcomesTable(list struct{ Events []outcome }) error {
	rows := [][]string{}
	for _, o := range list.Events {
		fate, after := o.Fate, string(o.After)
		if o.Step > 0 {
			fate = fmt.Sprintf("%s by step %d", o.Fate, o.Step)
		}
		if after == "" {
			after = first(o.Reason, "–")
		}
		rows = append(rows, []string{string(o.Before), fate, after})
	}
	return a.table(heads("event", "is", "as"), rows)
}
