// Package audit holds the endpoints that tell who did what, and prove that nobody has
// changed it since.
package audit

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
)

// Deps is what the endpoints need.
type Deps struct{ Log *audit.Store }

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.ListAudit, d.list)
	api.Handle(s, route.ExportAudit, d.export)
	api.Handle(s, route.VerifyAudit, d.verify)
}

const (
	mostScanned = 20_000          // entries that one request looks at
	spare       = 5 * time.Second // of a request's time, to answer in
)

// Filter says which entries are asked for.
type Filter struct {
	From   time.Time     `query:"from" doc:"entries from then on"`
	To     time.Time     `query:"to" doc:"entries before then"`
	Who    string        `query:"who" maxLength:"200" example:"user:4f8b" doc:"a caller's id"`
	Action access.Action `query:"action" maxLength:"100" example:"dataset:create"`
	Next   uint64        `query:"next" doc:"of the answer before: the number of the entry to go on with"`
}

// entry is an entry as the API tells it.
type entry struct {
	audit.Entry
	Hash   audit.Hash      `json:"hash" doc:"SHA-256 of the entry in its canonical encoding"`
	Sent   json.RawMessage `json:"sent,omitempty" doc:"what was sent, without secrets, and which items were written"`
	Erased bool            `json:"erased,omitempty" doc:"what was sent is erased"`
}

type page struct {
	Entries []entry `json:"entries" doc:"in the order they were written"`
	Next    uint64  `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) list(ctx context.Context, caller access.Principal, in *struct {
	Filter
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"a page may hold fewer, and none, while there is a next one"`
}) (*struct{ Body page }, error) {
	out := &struct{ Body page }{page{Entries: []entry{}}}
	var err error
	out.Body.Next, err = d.find(ctx, caller, in.Filter, func(r audit.Record) (bool, error) {
		out.Body.Entries = append(out.Body.Entries, entry{r.Entry, r.Hash, r.Sent, r.Erased})
		return len(out.Body.Entries) < in.Limit, nil
	})
	return out, err
}

// find calls a function with entries that pass a filter until it wants no more, and
// returns the number to go on with, or 0 at the end.
func (d Deps) find(ctx context.Context, caller access.Principal, f Filter, do func(audit.Record) (bool, error)) (next uint64, err error) {
	first, past, err := d.Log.Between(ctx, caller.Tenant, f.From, f.To)
	if err != nil {
		return 0, err
	}
	first = max(first, f.Next)
	through, enough := min(past, first+mostScanned), soon(ctx)
	next = first
	err = d.Log.Each(ctx, caller.Tenant, first, through, func(r audit.Record) (bool, error) {
		next = r.Number + 1
		if f.Who != "" && r.By != f.Who || f.Action != "" && r.Action != f.Action {
			return !enough(), nil
		}
		more, err := do(r)
		return more && !enough(), err
	})
	if next >= past {
		next = 0
	}
	return next, err
}

// soon returns a function that tells when it is time to answer.
func soon(ctx context.Context) func() bool {
	deadline, ok := ctx.Deadline()
	return func() bool { return ok && time.Until(deadline) < spare }
}

func (d Deps) verify(ctx context.Context, caller access.Principal, in *struct {
	Number uint64     `query:"number" doc:"of an entry that is known, from \"through\" of an earlier verification: looks at what is after it"`
	Hash   audit.Hash `query:"hash" maxLength:"64" doc:"of that entry"`
}) (*struct{ Body audit.Report }, error) {
	if (in.Number == 0) != (in.Hash == "") {
		return nil, fault.New(fault.Invalid, "bad_audit_head", "an entry is known by its number and its hash").
			WithHint("give both as an earlier verification told them, or neither")
	}
	report, err := d.Log.Verify(ctx, caller.Tenant, audit.Head{Number: in.Number, Hash: in.Hash}, soon(ctx))
	return &struct{ Body audit.Report }{report}, err
}
