package enrich

import (
	"bytes"
	"encoding/json"

	"github.com/tarnhq/tarn/shared/fault"
)

// Proposal is a list that is to become the next version.
type Proposal struct {
	Steps   []Step  `json:"steps" maxItems:"50"`
	From    *uint32 `json:"from_version" doc:"the version that it is to follow; 0 for the first. Of two who change the same version, one wins"`
	Samples []Case  `json:"samples,omitempty" maxItems:"100" doc:"what must become of events, or the list is refused"`

	Text json.RawMessage `json:"-"` // of the steps
}

// Case is an event with what must become of it.
type Case struct {
	Event  json.RawMessage `json:"event"`
	Expect Expected        `json:"expect"`
}

// Expected is what is expected of an outcome. What it leaves out may be anything.
type Expected struct {
	Fate       Fate                       `json:"fate" enum:"stored,dropped,quarantined"`
	Code       string                     `json:"code,omitempty" doc:"why it goes to quarantine" example:"cast_failed"`
	UserID     *string                    `json:"user_id,omitempty" doc:"empty: none"`
	Properties map[string]json.RawMessage `json:"properties,omitempty" doc:"null: it has none of the name"`
}

// Trial is a list that is tried, on events that are given or on the last ones that are
// stored.
type Trial struct {
	Steps  []Step            `json:"steps" maxItems:"50"`
	Events []json.RawMessage `json:"events,omitempty" maxItems:"100" doc:"as they would be sent; default: the last ones that are stored"`
	Last   int               `json:"last,omitempty" minimum:"1" maximum:"100" doc:"how many of those; default 10"`

	Text json.RawMessage `json:"-"` // of the steps
}

// Bounds of samples and trials.
const (
	MaxEvents   = 100
	defaultLast = 10
)

// ParseProposal reads a proposal. What is wrong with it is fault.Invalid.
func ParseProposal(body []byte) (p Proposal, err error) {
	var raw struct {
		Steps   json.RawMessage `json:"steps"`
		From    *uint32         `json:"from_version"`
		Samples []Case          `json:"samples"`
	}
	if err := decode(body, &raw); err != nil {
		return p, err
	}
	p.From, p.Samples = raw.From, raw.Samples
	switch {
	case p.From == nil:
		return p, bad("from_version is missing").WithHint("give the version that you have read; 0 if there is none")
	case len(p.Samples) > MaxEvents:
		return p, bad("there are %d samples; at most %d are possible", len(p.Samples), MaxEvents)
	}
	for i, s := range p.Samples {
		if s.Expect.Fate != Stored && s.Expect.Fate != Dropped && s.Expect.Fate != Quarantined {
			return p, bad("sample %d expects no fate", i+1).WithHint(`"expect": {"fate": "stored"}, or dropped, or quarantined`)
		}
	}
	p.Text, p.Steps, err = parseSteps(raw.Steps)
	return p, err
}

// ParseTrial reads a trial. What is wrong with it is fault.Invalid.
func ParseTrial(body []byte) (t Trial, err error) {
	var raw struct {
		Steps  json.RawMessage   `json:"steps"`
		Events []json.RawMessage `json:"events"`
		Last   *int              `json:"last"`
	}
	if err := decode(body, &raw); err != nil {
		return t, err
	}
	t.Events, t.Last = raw.Events, defaultLast
	if raw.Last != nil {
		t.Last = *raw.Last
	}
	if len(t.Events) > MaxEvents || t.Last < 1 || t.Last > MaxEvents {
		return t, bad("1 to %d events are possible", MaxEvents)
	}
	t.Text, t.Steps, err = parseSteps(raw.Steps)
	return t, err
}

func parseSteps(text json.RawMessage) (json.RawMessage, []Step, error) {
	if text == nil {
		return nil, nil, bad("steps is missing").WithHint("[] ends the enrichment")
	}
	steps, err := Parse(text)
	var short bytes.Buffer
	if err == nil {
		err = json.Compact(&short, text)
	}
	return short.Bytes(), steps, err
}

// decode reads an object of members that are known.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		return fault.New(fault.Invalid, "bad_enrichment", "the body is no object of the members that are known").
			WithHint("%v", err).Because(err)
	}
	return nil
}
