package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

// most is how much a batch holds: far below every limit on the way.
const (
	mostEvents = 1000
	mostBytes  = 1 << 20
)

// receipt is the answer to events.
type receipt struct {
	Accepted int64 `json:"accepted"`
	Events   []struct {
		ID     string `json:"event_id"`
		Fate   string `json:"fate"`
		Reason string `json:"reason"`
	} `json:"events"`
}

func (a *app) send() *cobra.Command {
	var batch int
	c := a.onDataset(command("send DATASET [FILE]", "Send events: JSON objects one after another, or in arrays; without a file, from the standard input", cobra.RangeArgs(1, 2), func(ctx context.Context, args []string) error {
		if batch < 1 || batch > mostEvents {
			return wrong("a batch has 1 to %d events", mostEvents)
		}
		from := a.in
		if len(args) == 2 && args[1] != "-" {
			file, err := os.Open(args[1])
			if err != nil {
				return wrong("%v", err)
			}
			defer file.Close()
			from = file
		}
		s := &sending{app: a, dataset: args[0], most: batch}
		err := readObjects(from, func(event map[string]json.RawMessage) error { return s.add(ctx, event) })
		if err == nil {
			err = s.flush(ctx)
		}
		return s.end(err)
	}))
	c.Flags().IntVar(&batch, "batch", 500, "events in one request")
	return c
}

// sending is one run of tarn send.
type sending struct {
	*app
	dataset     string
	most        int
	batch       []map[string]json.RawMessage
	size        int
	accepted    int64
	quarantined int64
	version     string
}

// add puts an event into the batch. One without an id gets one here, so that a batch can
// be sent again without counting twice.
func (s *sending) add(ctx context.Context, event map[string]json.RawMessage) error {
	if id := string(event["event_id"]); id == "" || id == "null" || id == `""` {
		event["event_id"] = body(rand.Text())
	}
	size := 2
	for name, value := range event {
		size += len(name) + len(value) + 4
	}
	if len(s.batch) > 0 && s.size+size > mostBytes {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	s.batch, s.size = append(s.batch, event), s.size+size
	if len(s.batch) >= s.most {
		return s.flush(ctx)
	}
	return nil
}

func (s *sending) flush(ctx context.Context) error {
	if len(s.batch) == 0 {
		return nil
	}
	got, err := s.do(ctx, client.Request{Method: http.MethodPost, Path: "/v1/datasets/" + escape(s.dataset) + "/events", Body: body(s.batch), Again: true})
	if err != nil {
		return err
	}
	var r receipt
	if err := decode(got.Body, &r); err != nil {
		return err
	}
	s.accepted, s.version = s.accepted+r.Accepted, got.Header.Get("Tarn-Version")
	for _, e := range r.Events {
		if e.Fate != "accepted" {
			s.quarantined++
			s.note("quarantined %s: %s", e.ID, e.Reason)
		}
	}
	s.batch, s.size = nil, 0
	return nil
}

// end says what was sent, also where it broke off: that is stored.
func (s *sending) end(err error) error {
	if s.json && (err == nil || s.accepted > 0) {
		if err := s.document(body(map[string]any{"accepted": s.accepted, "quarantined": s.quarantined, "version": s.version})); err != nil {
			return err
		}
	} else if !s.json && !s.quiet {
		fmt.Fprintf(s.out, "%d accepted, of which %d are in quarantine\n", s.accepted, s.quarantined)
	}
	if err != nil {
		if s.accepted > 0 {
			return fmt.Errorf("it broke off after %d events; to send all again counts none twice where they have ids: %w", s.accepted, err)
		}
		return err
	}
	if s.quarantined > 0 {
		return unfit("%d events are in quarantine; tarn quarantine list %s", s.quarantined, s.dataset)
	}
	return nil
}

// readObjects reads JSON objects, one after another or in arrays, without ever holding
// more than one.
func readObjects(from io.Reader, each func(map[string]json.RawMessage) error) error {
	d := json.NewDecoder(from)
	for n := 1; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return wrong("event %d: %v", n, err)
		}
		switch token {
		case json.Delim('['), json.Delim(']'):
			continue
		case json.Delim('{'):
		default:
			return wrong("event %d is no JSON object", n)
		}
		event, err := readMembers(d)
		if err != nil {
			return wrong("event %d: %v", n, err)
		}
		if err := each(event); err != nil {
			return err
		}
		n++
	}
}

// readMembers reads what follows the brace of an object.
func readMembers(d *json.Decoder) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		out[name.(string)] = value // the decoder lets no other token stand there
	}
	_, err := d.Token()
	return out, err
}
