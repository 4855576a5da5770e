package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

// onDataset completes the first argument with the names of datasets.
func (a *app) onDataset(c *cobra.Command) *cobra.Command {
	c.ValidArgsFunction = func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault // a file, where there is a second
		}
		return a.datasetNames(c.Context(), begun), cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

// datasetNames are those that begin so. Who presses a key waits for no answer for long,
// and is told of no failure.
func (a *app) datasetNames(ctx context.Context, begun string) (names []string) {
	c, err := a.client()
	if err != nil {
		return nil
	}
	c.Tries, c.Timeout = 1, 3*time.Second
	got, err := c.Do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/datasets"})
	if err != nil {
		return nil
	}
	var page struct{ Datasets []dataset }
	if json.Unmarshal(got.Body, &page) != nil {
		return nil
	}
	for _, d := range page.Datasets {
		if strings.HasPrefix(d.Name, begun) {
			names = append(names, d.Name)
		}
	}
	return names
}
