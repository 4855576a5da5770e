// Package quarantine lists the events that cannot be stored and sends them again,
// as they are or mended. Nothing leaves quarantine but by a replay, and a replay
// that breaks off and is repeated sends no event twice: it hands its events over as a
// producer whose number and positions follow from the segment it replays.
package quarantine

import (
	"context"
	"encoding/json"
	"math"
	"slices"
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

// List returns a page of the events in quarantine, the newest first.
func List(ctx context.Context, snap snapshot.Snapshot, cache *segment.Cache, next string, limit int) (Page, error) {
	sealed := snap.State.Of(segment.Quarantine)
	page := Page{Events: []Event{}, Total: int64(len(snap.Unsealed.Quarantined))}
	for _, ref := range sealed {
		page.Total += ref.Rows
	}
	from, end, err := parse(next)
	if err != nil {
		return Page{}, err
	}
	found := from == "" || from == unsealed
	if found {
		page.add(unsealed, snap.Unsealed.Quarantined, end, limit)
		end = all
	}
	for _, ref := range slices.Backward(sealed) {
		if found = found || ref.Key == from; !found || page.Next != "" {
			continue
		}
		kept, err := cache.ReadQuarantine(ctx, ref)
		if err != nil {
			return Page{}, err
		}
		page.add(ref.Key, kept, end, limit)
		end = all
	}
	if !found {
		return Page{}, fault.New(fault.Conflict, "page_gone", "what this page followed has been replayed").WithHint("list from the start")
	}
	return page, nil
}

// all is the end of a segment's rows, whatever their number.
const all = math.MaxInt

// add appends rows before end, the last one first, and says where the next page
// begins when this one is full.
func (p *Page) add(key string, kept []segment.QuarantineRow, end, limit int) {
	for row := min(end, len(kept)) - 1; row >= 0; row-- {
		if len(p.Events) == limit {
			p.Next = key + ":" + strconv.Itoa(row+1)
			return
		}
		q := kept[row]
		p.Events = append(p.Events, Show(q))
	}
}

// Show returns a row of a quarantine segment as it is listed.
func Show(q segment.QuarantineRow) Event {
	return Event{EventID: q.EventID, Received: time.UnixMicro(q.Received).UTC(), Code: q.Code, Reason: q.Reason, Raw: asJSON(q.Raw)}
}

// asJSON returns what was sent if it is JSON, and otherwise a JSON text of it.
func asJSON(raw []byte) json.RawMessage {
	if json.Valid(raw) && utf8.Valid(raw) {
		return raw
	}
	text, _ := json.Marshal(string(raw)) // a string cannot fail
	return text
}

// parse reads the Next of a page: the segment, and the end of its rows that are left.
func parse(next string) (key string, end int, err error) {
	if next == "" {
		return "", all, nil
	}
	at := strings.LastIndexByte(next, ':')
	if at >= 0 {
		end, err = strconv.Atoi(next[at+1:])
	}
	if at < 0 || err != nil || end < 0 {
		return "", 0, fault.New(fault.Invalid, "bad_page", "next is not what a page gave").WithHint("give back the next of the page before unchanged")
	}
	return next[:at], end, nil
}
