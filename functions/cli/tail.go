package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/terminal"
)

// The API has no feed of events. A tail asks for the newest by the time at which they were
// received, over and over. Shards are folded in one by one, so that an event can become
// visible a little after ones that were received later: each time the last seconds are
// read again, and what was shown is left out.
const (
	overlap    = 30 * time.Second
	mostTailed = 10_000
)

// tailing is one run of tarn tail.
type tailing struct {
	*app
	dataset string
	last    int           // events to begin with
	count   int           // events to end after; 0: none
	every   time.Duration // between questions

	newest time.Time
	shown  map[string]time.Time // by event id, of the overlap
}

func (a *app) tail() *cobra.Command {
	t := &tailing{app: a, shown: map[string]time.Time{}}
	c := a.onDataset(command("tail DATASET", "Print events as they become visible, until interrupted", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		if t.last < 0 || t.last > mostTailed || t.count < 0 || t.every < 100*time.Millisecond {
			return wrong("--last is 0 to %d, --count at least 0, --every at least 100ms", mostTailed)
		}
		t.dataset = args[0]
		return t.run(ctx)
	}))
	c.Flags().IntVarP(&t.last, "last", "n", 10, "events to begin with, the newest there are")
	c.Flags().IntVar(&t.count, "count", 0, "end after so many events")
	c.Flags().DurationVar(&t.every, "every", time.Second, "how long to wait before asking again")
	return c
}

func (t *tailing) run(ctx context.Context) error {
	got, err := t.ask(ctx, " order by received_at desc, event_id desc limit ?", max(t.last, 1))
	if err != nil {
		return err
	}
	slices.Reverse(got.Rows)
	if t.newest = t.now().Add(-overlap); len(got.Rows) > 0 {
		t.newest = time.Time{} // the server's clock is what counts
	}
	left := max(t.count, 0)
	for quiet := t.last == 0; ; quiet = false {
		for _, row := range got.Rows {
			fresh, err := t.take(got.Columns, row, quiet)
			if err != nil {
				return err
			}
			if fresh && t.count > 0 {
				if left--; left == 0 {
					return nil
				}
			}
		}
		if err := client.Sleep(ctx, t.every); err != nil {
			return err
		}
		since := t.newest.Add(-overlap)
		if got, err = t.ask(ctx, " where received_at >= cast(? as timestamp) order by received_at, event_id limit ?", since.UTC().Format("2006-01-02 15:04:05.999999"), mostTailed); err != nil {
			return err
		}
		t.forget(since)
	}
}

func (t *tailing) ask(ctx context.Context, rest string, parameters ...any) (got answer, err error) {
	sql := `select * from "` + strings.ReplaceAll(t.dataset, `"`, `""`) + `"` + rest
	out, err := t.do(ctx, client.Request{Method: http.MethodPost, Path: "/v1/sql", Body: body(map[string]any{"sql": sql, "parameters": parameters}), Again: true})
	if err != nil {
		return got, err
	}
	return got, decode(out.Body, &got)
}

// take shows an event that was not shown yet, and reports whether it did.
func (t *tailing) take(columns []answerColumn, row []json.RawMessage, quiet bool) (bool, error) {
	event := map[string]json.RawMessage{}
	for i, c := range columns {
		if string(row[i]) != "null" {
			event[c.Name] = row[i]
		}
	}
	received, err := time.Parse(time.RFC3339Nano, text(event["received_at"], ""))
	if err != nil {
		return false, fmt.Errorf("an event has no time at which it was received: %w", err)
	}
	id := text(event["event_id"], "")
	if _, known := t.shown[id]; known {
		return false, nil
	}
	t.shown[id] = received
	if received.After(t.newest) {
		t.newest = received
	}
	if quiet {
		return false, nil
	}
	return true, t.show(columns, event, received)
}

// forget drops what no question can give again.
func (t *tailing) forget(before time.Time) {
	for id, at := range t.shown {
		if at.Before(before) {
			delete(t.shown, id)
		}
	}
}

// show prints an event on one line: with --json as an object, else its name, then all
// that it has.
func (t *tailing) show(columns []answerColumn, event map[string]json.RawMessage, received time.Time) error {
	if t.json {
		return t.document(body(event))
	}
	line := []string{when(received), text(event["event"], "–")}
	for _, c := range columns {
		switch value, has := event[c.Name]; {
		case !has, c.Name == "received_at", c.Name == "event":
		default:
			line = append(line, c.Name+"="+text(value, ""))
		}
	}
	_, err := fmt.Fprintln(t.out, terminal.Fit(strings.Join(line, "  "), width(t.out, 0)))
	return err
}
