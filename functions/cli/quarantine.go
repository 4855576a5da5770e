package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

func (a *app) quarantine() *cobra.Command {
	return group("quarantine", "List what could not be stored, and send it again", a.listQuarantine(), a.replayQuarantine())
}

func (a *app) listQuarantine() *cobra.Command {
	var most int
	c := a.onDataset(command("list DATASET", "List what could not be stored, with reasons", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		if most < 0 {
			return wrong("--limit is at least 0")
		}
		text, err := a.pages(ctx, "/v1/datasets/"+escape(args[0])+"/quarantine", "events", nil, most)
		if err != nil {
			return err
		}
		return show(a, text, func(page struct {
			Events []struct {
				ID           string    `json:"event_id"`
				Received     time.Time `json:"received_at"`
				Code, Reason string
				Raw          json.RawMessage
			}
			Total int64
		}) error {
			rows := [][]string{}
			for _, e := range page.Events {
				rows = append(rows, []string{e.ID, when(e.Received), e.Code, e.Reason, string(e.Raw)})
			}
			if int64(len(rows)) < page.Total {
				a.note("%d of %d", len(rows), page.Total)
			}
			return a.table(heads("event", "received (UTC)", "code", "reason", "as it was sent"), rows)
		})
	}))
	c.Flags().IntVar(&most, "limit", 100, "how many; 0: all")
	return c
}

func (a *app) replayQuarantine() *cobra.Command {
	var mended string
	c := a.onDataset(command("replay DATASET", "Send everything in quarantine again, as it is or mended", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		r := client.Request{Method: http.MethodPost, Path: "/v1/datasets/" + escape(args[0]) + "/quarantine/replay"}
		if mended != "" {
			text, err := a.input(mended)
			if err != nil {
				return err
			}
			events := []map[string]json.RawMessage{}
			if err := readObjects(bytes.NewReader(text), func(e map[string]json.RawMessage) error { events = append(events, e); return nil }); err != nil {
				return err
			}
			r.Body = body(map[string]any{"events": events})
		}
		got, err := a.do(ctx, r)
		if err != nil {
			return err
		}
		return show(a, got.Body, func(done struct{ Replayed int64 }) error {
			return a.facts([2]string{"replayed", number(&done.Replayed)})
		})
	}))
	c.Flags().StringVar(&mended, "mended", "", "a file of mended events, each with its event_id; - is the standard input")
	return c
}
