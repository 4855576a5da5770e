// Package events holds the endpoints that account for events: the fate of one, what
// is in quarantine, and the ledger of all.
package events

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fate"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Deps is what the endpoints need.
type Deps struct {
	Gate     gate.Gate
	Table    table.Table
	Segments *segment.Cache
	Finder   fate.Finder
	Replayer quarantine.Replayer
	// Seal has a dataset's tail sealed, so that what is in quarantine there can be
	// replayed; nil where there is no tail.
	Seal func(context.Context, tenant.ID, dataset.Name) error
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.GetEvent, d.fate)
	api.Handle(s, route.ListQuarantine, d.quarantine)
	api.Handle(s, route.GetLedger, d.ledger)
	api.Raw(s, route.ReplayQuarantine, replay{}, replayed{}, d.replay)
}

func (d Deps) fate(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset"`
	ID      string       `query:"id" required:"true" minLength:"1" maxLength:"256" doc:"the event's id"`
	Time    time.Time    `query:"time" doc:"the event's time, if known: narrows the search to its UTC day"`
}) (*struct{ Body fate.Fate }, error) {
	snap, err := d.Gate.OpenWhole(ctx, caller, route.GetEvent.Action, in.Dataset)
	if err != nil {
		return nil, err
	}
	defer snap.Release()
	f, err := d.Finder.Find(ctx, caller.Tenant, snap, in.ID, in.Time)
	return &struct{ Body fate.Fate }{f}, err
}

func (d Deps) quarantine(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset"`
	Limit   int          `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Next    string       `query:"next" maxLength:"1000"`
}) (*struct{ Body quarantine.Page }, error) {
	snap, err := d.Gate.OpenWhole(ctx, caller, route.ListQuarantine.Action, in.Dataset)
	if err != nil {
		return nil, err
	}
	defer snap.Release()
	page, err := quarantine.List(ctx, snap, d.Segments, in.Next, in.Limit)
	return &struct{ Body quarantine.Page }{page}, err
}

// hour is one arrival hour of the ledger.
type hour struct {
	Hour time.Time `json:"hour"`
	ledger.Row
}

// account is the whole ledger of a dataset.
type account struct {
	ledger.Row
	Erased  int64  `json:"erased" doc:"rows that were stored and are visible no more"`
	Expired int64  `json:"expired" doc:"those of the erased that went because the dataset keeps events for so many days"`
	Visible int64  `json:"visible" doc:"rows that a query sees, counted from the rows: stored - erased"`
	Hours   []hour `json:"hours" doc:"by arrival hour, ascending; an hour without events is absent"`
}

func (d Deps) ledger(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset"`
}) (*struct{ Body account }, error) {
	snap, err := d.Gate.OpenWhole(ctx, caller, route.GetLedger.Action, in.Dataset)
	if err != nil {
		return nil, err
	}
	defer snap.Release()
	acknowledged, err := ledger.Acknowledged(ctx, d.Table, caller.Tenant, snap.Dataset.ID)
	if err != nil {
		return nil, err
	}
	totals := snap.Ledger()
	out := account{Erased: totals.Erased, Expired: totals.Expired, Visible: snap.Visible(), Hours: []hour{}}
	sum, hours := ledger.Balance(acknowledged, totals)
	out.Row = sum
	for h, row := range hours {
		out.Hours = append(out.Hours, hour{time.Unix(int64(h)*3600, 0).UTC(), row})
	}
	slices.SortFunc(out.Hours, func(a, b hour) int { return a.Hour.Compare(b.Hour) })
	return &struct{ Body account }{out}, nil
}

// replay is the optional body of a replay.
type replay struct {
	Events []map[string]any `json:"events,omitempty" doc:"mended events, each with its event_id; the others are sent as they are"`
}

type replayed struct {
	Replayed int `json:"replayed" doc:"events that were sent again; each is pending until it has been folded in"`
}

func (d Deps) replay(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	mended, err := mendedOf(r)
	if err != nil {
		return err
	}
	name := dataset.Name(r.PathValue(route.DatasetParam))
	if d.Seal != nil {
		if err := d.Seal(r.Context(), caller.Tenant, name); err != nil {
			return err
		}
	}
	snap, err := d.Gate.OpenWhole(r.Context(), caller, route.ReplayQuarantine.Action, name)
	if err != nil {
		return err
	}
	defer snap.Release()
	n, position, err := d.Replayer.Replay(r.Context(), caller.Tenant, snap, mended)
	if err != nil {
		return err
	}
	w.Header().Set("Tarn-Version", position.String())
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(replayed{n})
}

// mendedOf reads the body. Each event stays text, so that no number loses a digit.
func mendedOf(r *http.Request) (quarantine.Mended, error) {
	var body struct {
		Events []json.RawMessage `json:"events"`
	}
	sent, err := api.Body(r)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(sent, &body); err != nil && len(bytes.TrimSpace(sent)) > 0 {
		return nil, fault.New(fault.Invalid, "bad_json", "the body is no JSON object of mended events").
			WithHint(`send {"events": [{"event_id": "…", "event": "…"}]}, or nothing`).Because(err)
	}
	mended := quarantine.Mended{}
	for _, text := range body.Events {
		var named struct {
			ID string `json:"event_id"`
		}
		if err := json.Unmarshal(text, &named); err != nil || named.ID == "" {
			return nil, fault.New(fault.Invalid, "no_event_id", "a mended event has no event_id").WithHint("give it the id that quarantine lists")
		}
		mended[named.ID] = text
	}
	return mended, nil
}
