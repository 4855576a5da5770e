package ingest

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/bot"
	"github.com/tarnhq/tarn/shared/ingest/posthog"
	"github.com/tarnhq/tarn/shared/route"
)

var postHogDecoders = sync.Pool{New: func() any { return new(posthog.Decoder) }}

// captured is the answer of capture v0, of which clients read the status alone.
type captured struct {
	Status int `json:"status" example:"1"`
}

// captureResults is the answer of capture v1, for the API reference.
type captureResults struct {
	Results map[string]captureResult `json:"results" doc:"by the events' uuids"`
}

type captureResult struct {
	Result  string `json:"result" enum:"ok,drop" doc:"drop: the event can never be stored, and is in quarantine"`
	Details string `json:"details,omitempty" doc:"why"`
}

// noFlags is what clients of each age take for no feature flags.
type noFlags struct {
	Flags    map[string]any `json:"flags"`
	Values   map[string]any `json:"featureFlags" doc:"as older clients read it"`
	Payloads map[string]any `json:"featureFlagPayloads"`
	Failed   bool           `json:"errorsWhileComputingFlags"`
}

// noDefinitions is what clients that evaluate flags themselves take for none.
type noDefinitions struct {
	Flags   []any          `json:"flags"`
	Groups  map[string]any `json:"group_type_mapping"`
	Cohorts map[string]any `json:"cohorts"`
}

// postHog is what PostHog's clients speak. Where they heed what they are told of an event,
// in v1, one that is quarantined is told as dropped: the client's program learns of it, and
// nothing is sent in vain again.
func postHog() (all []protocol) {
	for _, rt := range route.PostHogCapture {
		all = append(all, protocol{route: rt, accepts: map[string]any{}, returns: captured{}, key: postHogKey, decode: decodePostHog, browser: postHogBrowser, answer: written(`{"status":1}`)})
	}
	all = append(all, protocol{route: route.PostHogEvents, accepts: map[string]any{}, returns: captureResults{}, key: postHogKey, decode: decodePostHog, browser: postHogBrowser, answer: writeResults})
	for _, rt := range route.PostHogFlags {
		p := protocol{route: rt, accepts: map[string]any{}, returns: noFlags{}, key: postHogKey,
			answer: written(`{"flags":{},"featureFlags":{},"featureFlagPayloads":{},"errorsWhileComputingFlags":false}`)}
		if rt.Method == http.MethodGet {
			p.accepts, p.returns, p.answer = nil, noDefinitions{}, written(`{"flags":[],"group_type_mapping":{},"cohorts":{}}`)
		}
		all = append(all, p)
	}
	return all
}

// postHogBrowser is as posthog-js, and the middlewares of servers' SDKs, have it.
var postHogBrowser = bot.Rule{Texts: []bot.Text{{Property: "$raw_user_agent"}, {Property: "$user_agent"}}, Header: true}

// postHogKey returns the project's token, which is the write key.
func postHogKey(m message) string {
	if token := m.URL.Query().Get("token"); token != "" {
		return token
	}
	return posthog.Key(m.body)
}

func decodePostHog(m message) ([]events.Event, func(), error) {
	d := postHogDecoders.Get().(*posthog.Decoder)
	sent, err := d.Decode(posthog.Request{Body: m.body, Arrived: m.arrived, Sent: postHogClock(m.Request), Library: m.Header.Get("Posthog-Sdk-Info")})
	return sent, func() { postHogDecoders.Put(d) }, err
}

// postHogClock returns when a request was sent by the sender's clock, where its header, as
// v1 has it, or its address, as browsers have it, says so; else 0.
func postHogClock(r *http.Request) int64 {
	if at, err := time.Parse(time.RFC3339Nano, r.Header.Get("Posthog-Request-Timestamp")); err == nil {
		return at.UnixMicro()
	}
	if ms, err := strconv.ParseInt(r.URL.Query().Get("_"), 10, 64); err == nil && ms > 0 && ms < 1<<43 {
		return ms * 1000
	}
	return 0
}

// written answers every request alike.
func written(text string) func(http.ResponseWriter, message, []events.Event) error {
	return func(w http.ResponseWriter, _ message, _ []events.Event) error {
		_, err := w.Write([]byte(text))
		return err
	}
}

// writeResults tells each event's result. A uuid that a batch has twice is there twice: the
// last one counts with who reads it.
func writeResults(w http.ResponseWriter, _ message, sent []events.Event) error {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	out := append((*buffer)[:0], `{"results":{`...)
	for i := range sent {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, sent[i].ID), `:{"result":`...)
		if reason := sent[i].Refused.Reason; reason == "" {
			out = append(out, `"ok"}`...)
		} else {
			out = append(appendText(append(out, `"drop","details":`...), "quarantined: "+reason), '}')
		}
	}
	*buffer = append(out, "}}\n"...)
	w.Header().Set("Content-Length", strconv.Itoa(len(*buffer)))
	_, err := w.Write(*buffer)
	return err
}
