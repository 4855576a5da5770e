package enrich

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Fate is what becomes of an event on its way in.
type Fate string

// The fates. One that is stored may still turn out to be a copy, or not to fit a column.
const (
	Stored      Fate = "stored"
	Dropped     Fate = "dropped"
	Quarantined Fate = "quarantined"
)

// Outcome is what a list makes of an event.
type Outcome struct {
	Before json.RawMessage `json:"before" doc:"as it was sent"`
	Fate   Fate            `json:"fate" enum:"stored,dropped,quarantined"`
	After  json.RawMessage `json:"after,omitempty" doc:"as it is stored"`
	Step   int             `json:"step,omitempty" doc:"that dropped it or sent it to quarantine, from 1"`
	Code   string          `json:"code,omitempty" doc:"why it goes to quarantine: stable"`
	Reason string          `json:"reason,omitempty" doc:"why it goes to quarantine, for people"`
}

// Try tells what the rules for a dataset's fields and then steps make of events. Nothing is
// stored. A table that cannot be looked up in is fault.Invalid.
func (e *Enricher) Try(ctx context.Context, t tenant.ID, d dataset.Dataset, steps []Step, texts []json.RawMessage) ([]Outcome, error) {
	if d.Kind != dataset.Events {
		return nil, fault.New(fault.Invalid, "not_an_events_dataset", "an enrichment is for events, and a dataset of kind %s has none", d.Kind)
	}
	for i, s := range steps {
		if s.LookUp == nil {
			continue
		}
		if _, err := e.Tables.read(ctx, t, *s.LookUp, nil); err != nil {
			return nil, at(i, err)
		}
	}
	p, err := Compile(d.Enrichment+1, steps)
	if err != nil {
		return nil, err
	}
	r, err := p.prepare(ctx, t, e)
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(texts))
	for i, text := range texts {
		if out[i], err = e.try(ctx, t, d, r, text); err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
	}
	return out, nil
}

func (e *Enricher) try(ctx context.Context, t tenant.ID, d dataset.Dataset, r *run, text json.RawMessage) (Outcome, error) {
	var decoder ingest.Decoder
	sent, err := decoder.Decode(text, e.Catalog.Now().UnixMicro())
	if err != nil {
		return Outcome{}, err
	}
	if len(sent) != 1 {
		return Outcome{}, bad("an event is one object")
	}
	if err := e.Salts.Apply(ctx, t, d.Settings.Fields, sent); err != nil {
		return Outcome{}, err
	}
	r.failed = 0
	r.all(sent)
	out, one := Outcome{Before: text, Fate: Stored}, &sent[0]
	switch {
	case one.Dropped != 0:
		out.Fate, out.Step = Dropped, int(one.Dropped)
	case one.Refused.Code != "":
		out.Fate, out.Step, out.Code, out.Reason = Quarantined, r.failed, one.Refused.Code, one.Refused.Reason
	default:
		out.After = events.AppendJSON(nil, one)
	}
	return out, nil
}

// Check tries a proposal on its samples. One that comes out other than expected is
// fault.Invalid, with what came out.
func (e *Enricher) Check(ctx context.Context, t tenant.ID, d dataset.Dataset, p Proposal) error {
	texts := make([]json.RawMessage, len(p.Samples))
	for i, s := range p.Samples {
		texts[i] = s.Event
	}
	outcomes, err := e.Try(ctx, t, d, p.Steps, texts)
	if err != nil {
		return err
	}
	for i, s := range p.Samples {
		if differs := s.Expect.differs(outcomes[i]); differs != "" {
			return fault.New(fault.Invalid, "sample_failed", "sample %d: %s", i+1, differs).
				WithHint("POST /v1/datasets/{dataset}/enrichment/preview shows what the steps make of events")
		}
	}
	return nil
}

// differs says how an outcome is not what is expected; empty: it is.
func (x Expected) differs(o Outcome) string {
	switch {
	case o.Fate != x.Fate && o.Fate == Quarantined:
		return fmt.Sprintf("it is quarantined, not %s: %s", x.Fate, o.Reason)
	case o.Fate != x.Fate:
		return fmt.Sprintf("it is %s, not %s", o.Fate, x.Fate)
	case x.Code != "" && x.Code != o.Code:
		return fmt.Sprintf("its code is %q, not %q", o.Code, x.Code)
	case o.Fate != Stored:
		return ""
	}
	var after struct {
		UserID     string                     `json:"user_id"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(o.After, &after); err != nil {
		return "what came out is no JSON" // it was written as such
	}
	if x.UserID != nil && *x.UserID != after.UserID {
		return fmt.Sprintf("its user_id is %q, not %q", after.UserID, *x.UserID)
	}
	for name, want := range x.Properties {
		got, there := after.Properties[name]
		if !there {
			got = json.RawMessage("null")
		}
		if !sameJSON(want, got) {
			return fmt.Sprintf("its property %q is %.200s, not %.200s", name, got, want)
		}
	}
	return ""
}

// sameJSON compares numbers as they are written: 5 is not 5.0.
func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
