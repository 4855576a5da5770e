package ingest

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/bot"
	"github.com/tarnhq/tarn/shared/ingest/umami"
	"github.com/tarnhq/tarn/shared/route"
)

var umamiDecoders = sync.Pool{New: func() any { return new(umami.Decoder) }}

// hitBrowser is the rule of trackers whose request's User-Agent is the visitor's, also
// where a server sends it on. It is a property of the event already.
var hitBrowser = bot.Rule{Texts: []bot.Text{{Property: "user_agent"}}}

// umamiTracker is what Umami's trackers speak: the website's id is the write key.
func umamiTracker() protocol {
	return protocol{
		route: route.UmamiSend, accepts: map[string]any{}, returns: map[string]any{},
		key: func(m message) string { return umami.Key(m.body) },
		decode: func(m message) ([]events.Event, func(), error) {
			d := umamiDecoders.Get().(*umami.Decoder)
			sent, err := d.Decode(umamiRequest(m))
			return sent, func() { umamiDecoders.Put(d) }, err
		},
		browser: hitBrowser,
		answer:  written(`{}`),
	}
}

// taken is the answer to a batch, as Umami has it.
type taken struct {
	Size      int       `json:"size" doc:"events of the request"`
	Processed int       `json:"processed" doc:"of them, those that were stored"`
	Errors    int       `json:"errors" doc:"the others, which are in quarantine"`
	Details   []untaken `json:"details"`
}

type untaken struct {
	Index    int `json:"index"`
	Response struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Status  int    `json:"status"`
		} `json:"error"`
	} `json:"response"`
}

// umamiBatch is what programs send who gathered events for Umami.
func umamiBatch() protocol {
	p := umamiTracker()
	p.route, p.accepts, p.returns = route.UmamiBatch, []map[string]any{}, taken{}
	p.decode = func(m message) ([]events.Event, func(), error) {
		d := umamiDecoders.Get().(*umami.Decoder)
		sent, err := d.DecodeBatch(umamiRequest(m))
		return sent, func() { umamiDecoders.Put(d) }, err
	}
	p.answer = writeTaken
	return p
}

func writeTaken(w http.ResponseWriter, _ message, sent []events.Event) error {
	out := taken{Size: len(sent), Details: []untaken{}}
	for i := range sent {
		if sent[i].Refused.Code == "" {
			out.Processed++
			continue
		}
		u := untaken{Index: i}
		u.Response.Error.Code, u.Response.Error.Message = sent[i].Refused.Code, "quarantined: "+sent[i].Refused.Reason
		u.Response.Error.Status = http.StatusBadRequest
		out.Details = append(out.Details, u)
	}
	out.Errors = len(out.Details)
	return json.NewEncoder(w).Encode(out)
}

func umamiRequest(m message) umami.Request {
	return umami.Request{Body: m.body, Arrived: m.arrived, UserAgent: m.UserAgent(), Key: keyWithin(m, umami.Key)}
}

// keyWithin returns the key of a body whose sender is known by it, and nothing where the
// key stood elsewhere: what the body calls so is a property then.
func keyWithin(m message, key func([]byte) string) string {
	if m.Header.Get("Authorization") != "" || m.URL.Query().Get(keyParam) != "" {
		return ""
	}
	return key(m.body)
}
