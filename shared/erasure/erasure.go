// Package erasure removes somebody, or the rows that a filter names, from everything a
// tenant has, and tells what is held of somebody. An erasure is a job in steps, each of
// which may be done again: it suppresses the subject, rewrites every segment that holds
// a row, and deletes at once whatever was made of the old ones. It ends with a
// certificate. The subject itself is stored nowhere; docs/erasure.md says why the order
// of steps is as it is.
package erasure

import (
	"bytes"
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Kind is the kind of jobs that erase.
const Kind job.Kind = "erasure"

// Request is the body of POST /v1/erasures: a subject, or a filter.
type Request struct {
	Subject string          `json:"subject,omitempty" doc:"a user_id or anonymous_id: its rows are erased, and later events of it dropped" example:"u1"`
	Dataset dataset.Name    `json:"dataset,omitempty" doc:"erase here alone; a filter needs it, of a subject the default is everywhere" example:"web"`
	Filter  json.RawMessage `json:"filter,omitempty" doc:"in the place of a subject: the rows of a dataset of events that it matches, as in a query"`
}

// Decode reads a request strictly.
func Decode(body []byte) (Request, error) {
	var r Request
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || d.More() {
		return r, fault.New(fault.Invalid, "bad_erasure", "the body is no erasure").WithHint(`{"subject": "u1"} or {"dataset": "web", "filter": {…}}`)
	}
	if (r.Subject == "") == (len(r.Filter) == 0) {
		return r, fault.New(fault.Invalid, "bad_erasure", "an erasure is of a subject or of a filter").WithHint(`{"subject": "u1"} or {"dataset": "web", "filter": {…}}`)
	}
	if r.Dataset == "" && r.Subject == "" {
		return r, fault.New(fault.Invalid, "no_dataset", "a filter is of the columns of a dataset").WithHint(`name it: {"dataset": "web", "filter": {…}}`)
	}
	if r.Subject != "" {
		return r, CheckSubject(r.Subject)
	}
	return r, nil
}

// CheckSubject returns fault.Invalid unless an id may be that of a subject.
func CheckSubject(id string) error {
	if id == "" || len(id) > events.MaxSubject || !utf8.ValidString(id) {
		return fault.New(fault.Invalid, "bad_subject", "a subject has 1 to %d bytes of UTF-8", events.MaxSubject)
	}
	return nil
}

// order is what a job is told to do. It names no subject: only hashes of its names.
type order struct {
	named
	Hashed *named          `json:"hashed,omitempty"` // as rules for fields have it
	Only   dataset.ID      `json:"only,omitempty"`
	Filter json.RawMessage `json:"filter,omitempty"`
}

// named is a name of a subject: the hash is keyed, and the probe is what Bloom filters
// know of it.
type named struct {
	Hash  string `json:"hash,omitempty"`
	Probe uint64 `json:"probe,omitempty"`
}

// names lists the names of the subject, if it is one that is erased.
func (o order) names() (all []named) {
	if o.Hash != "" {
		all = append(all, o.named)
	}
	if o.Hashed != nil {
		all = append(all, *o.Hashed)
	}
	return all
}

// Orders turns requests into jobs.
type Orders struct {
	Gate         gate.Gate
	Suppressions suppression.Store
	Salts        *fieldrule.Salts
}

// Spec returns the job that does what a principal asks for who may do the action. What
// cannot be erased is fault.Invalid, or fault.NotFound.
func (o Orders) Spec(ctx context.Context, p access.Principal, action access.Action, r Request) (job.Spec, error) {
	var made order
	if err := p.Allow(action, r.Dataset, o.Gate.Now()); err != nil {
		return job.Spec{}, err
	}
	if r.Dataset != "" {
		over, err := o.Gate.OpenWhole(ctx, p, action, r.Dataset)
		if err != nil {
			return job.Spec{}, err
		}
		defer over.Release()
		made.Only = over.Dataset.ID
		if r.Filter != nil {
			if _, err := bind(over.Dataset, over.Schema, r.Filter); err != nil {
				return job.Spec{}, err
			}
			made.Filter = r.Filter
		}
	}
	if r.Subject != "" {
		if err := o.name(ctx, p.Tenant, r.Subject, &made); err != nil {
			return job.Spec{}, err
		}
	}
	text, err := json.Marshal(made)
	return job.Spec{Kind: Kind, Dataset: r.Dataset, By: p.ID, Request: text, Private: true, Priority: job.Urgent}, err
}

// name names a subject in an order: as it is given, and as a rule for fields makes it. Some
// dataset may have had such a rule, and any may have one later.
func (o Orders) name(ctx context.Context, t tenant.ID, subject string, in *order) error {
	keyed, err := o.Suppressions.Salt(ctx, t)
	if err != nil {
		return err
	}
	salt, err := o.Salts.Of(ctx, t)
	if err != nil {
		return err
	}
	name := func(id string) named { return named{keyed.Hasher().Subject(id).String(), segment.Probe(id)} }
	in.named = name(subject)
	if other := salt.Hash(subject); other != subject {
		hashed := name(other)
		in.Hashed = &hashed
	}
	return nil
}

// bind makes the plan that finds the ids of events that a filter matches.
func bind(d dataset.Dataset, schema dataset.Schema, filter json.RawMessage) (query.RowsPlan, error) {
	if d.Kind != dataset.Events {
		return query.RowsPlan{}, fault.New(fault.Invalid, "not_events", "the rows of dataset %q have no ids to erase them by", d.Name).
			WithHint("erase a subject, or load the table anew without the rows")
	}
	body, err := json.Marshal(map[string]any{"dataset": d.Name, "columns": []string{dataset.ColumnEventID}, "filter": filter})
	if err != nil {
		return query.RowsPlan{}, fault.New(fault.Invalid, "bad_filter", "the filter is no JSON")
	}
	s, err := query.DecodeSelection(body)
	if err != nil {
		return query.RowsPlan{}, err
	}
	return query.BindSelection(s, query.Whole(d.Kind, schema), nil)
}
