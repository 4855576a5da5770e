// Package quarantine lists the events that cannot be stored and sends them again,
// as they are or mended. Nothing leaves quarantine but by a replay, and a replay
// that breaks off and is repeated sends no event twice: it hands its events over as a
// producer whose number and positions follow from the segment it replays.
package quarantine

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Event is an event in quarantine.
type Event struct {
	EventID  string          `json:"event_id"`
	Received time.Time       `json:"received_at"`
	Code     string          `json:"code" doc:"stable name of the reason" example:"no_event_name"`
	Reason   string          `json:"reason"`
	Raw      json.RawMessage `json:"raw" doc:"the event as it was sent; a text where that is no JSON"`
}

// Page is a page of events in quarantine. Next continues after it.
type Page struct {
	Events []Event `json:"events"`
	Next   string  `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
	Total  int64   `json:"total" doc:"events in quarantine"`
}

// unsealed stands for the tail in a page's Next.
const unsealed = "tail"

// List returns a page of the events in quarantine, the oldest segment first.
func List(ctx context.Context, snap snapshot.Snapshot, cache *segment.Cache, next string, limit int) (Page, error) {
	page := Page{Events: []Event{}, Total: int64(len(snap.Unsealed.Quarantined))}
	from, row, err := parse(next)
	if err != nil {
		return Page{}, err
	}
	found := from == ""
	for _, ref := range snap.State.Of(segment.Quarantine) {
		page.Total += ref.Rows
		found = found || ref.Key == from
		if !found || page.Next != "" {
			continue
		}
		kept, err := cache.ReadQuarantine(ctx, ref)
		if err != nil {
			return Page{}, err
		}
		page.add(ref.Key, kept, row, limit)
		row = 0
	}
	if page.Next == "" && (found || from == unsealed) {
		page.add(unsealed, snap.Unsealed.Quarantined, row, limit)
	} else if !found && from != unsealed {
		return Page{}, fault.New(fault.Conflict, "page_gone", "what this page followed has been replayed").WithHint("list from the start")
	}
	return page, nil
}

// add appends rows from one on, and says where the next page begins when it is full.
func (p *Page) add(key string, kept []segment.QuarantineRow, row, limit int) {
	for ; row < len(kept); row++ {
		if len(p.Events) == limit {
			p.Next = key + ":" + strconv.Itoa(row)
			return
		}
		q := kept[row]
		p.Events = append(p.Events, Event{EventID: q.EventID, Received: time.UnixMicro(q.Received).UTC(), Code: q.Code, Reason: q.Reason, Raw: asJSON(q.Raw)})
	}
}

// asJSON returns what was sent if it is JSON, and otherwise a JSON text of it.
func asJSON(raw []byte) json.RawMessage {
	if json.Valid(raw) && utf8.Valid(raw) {
		return raw
	}
	text, _ := json.Marshal(string(raw)) // a string cannot fail
	return text
}

func parse(next string) (key string, row int, err error) {
	if next == "" {
		return "", 0, nil
	}
	at := strings.LastIndexByte(next, ':')
	if at >= 0 {
		row, err = strconv.Atoi(next[at+1:])
	}
	if at < 0 || err != nil || row < 0 {
		return "", 0, fault.New(fault.Invalid, "bad_page", "next is not what a page gave").WithHint("give back the next of the page before unchanged")
	}
	return next[:at], row, nil
}
