package ingest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
)

const (
	crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	person  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	sdk     = "Java/17" // which the list of bots has, as a client without a name
)

// visit is an event of a protocol, whose text says UA where the event itself tells of the
// browser.
type visit struct{ target, body string } // without a body it is a GET

var visits = map[string]visit{
	"own":         {"/v1/datasets/web/events", `{"event":"x","properties":{"user_agent":"UA"}}`},
	"track":       {"/v1/track", `{"event":"x","userId":"u","context":{"library":{"name":"analytics.js"},"userAgent":"UA"}}`},
	"batch":       {"/v1/batch", `{"batch":[{"type":"page","userId":"u"}],"context":{"userAgent":"UA"}}`},
	"capture":     {"/e/", `{"event":"$pageview","distinct_id":"u","properties":{"$raw_user_agent":"UA"}}`},
	"capture v1":  {"/i/v1/analytics/events", `{"batch":[{"event":"$pageview","distinct_id":"u","properties":{"$user_agent":"UA"}}]}`},
	"snowplow":    {"/com.snowplowanalytics.snowplow/tp2", `{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[{"e":"pv","ua":"UA"}]}`},
	"pixel":       {"/i?e=pv&ua=UA", ""},
	"umami batch": {"/api/batch", `[{"type":"event","payload":{"website":"site","userAgent":"UA"}}]`},
	"umami":       {"/api/send", `{"type":"event","payload":{"website":"site","userAgent":"UA"}}`},
	"plausible":   {"/api/event", `{"name":"pageview","url":"https://a.example/","domain":"a.example","user_agent":"UA"}`},
	"cloudevents": {"/v1/cloudevents", `{"specversion":"1.0","id":"1","source":"/a","type":"x","data":{"user_agent":"UA"}}`},
	"tinybird":    {"/v0/events?name=web", `{"user_agent":"UA"}`},
}

// send sends a visit, and tells whether its event was flagged.
func (v visit) send(t *testing.T, text string, header http.Header) bool {
	t.Helper()
	s := newService(t)
	method := http.MethodPost
	if v.body == "" {
		method = http.MethodGet
	}
	r := httptest.NewRequest(method, strings.ReplaceAll(v.target, "UA", url.QueryEscape(text)), strings.NewReader(strings.ReplaceAll(v.body, "UA", text)))
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", "Bearer "+s.key(t, access.Producer, "web"))
	if strings.Contains(v.target, "cloudevents") {
		r.Header.Set("Content-Type", "application/cloudevents+json")
	}
	out := httptest.NewRecorder()
	s.ServeHTTP(out, r)
	var got []events.Event
	s.each(t, func(_ dataset.Name, e events.Event) { got = append(got, e) })
	if out.Code/100 != 2 || len(got) != 1 || got[0].Refused.Code != "" {
		t.Fatalf("%s: %d %s %+v", v.target, out.Code, out.Body, got)
	}
	if got[0].Shape == nil {
		return false
	}
	i := slices.Index(got[0].Shape.Names, "bot")
	return i >= 0 && got[0].Values[i] == events.Value{Kind: events.Bool, Int: 1}
}

// unsaid is a visit that does not tell of its browser.
func (v visit) unsaid() visit {
	v.target = strings.TrimSuffix(v.target, "&ua=UA")
	for _, member := range []string{`,"properties":{"user_agent":"UA"}`, `,"userAgent":"UA"`, `,"context":{"userAgent":"UA"}`, `"$raw_user_agent":"UA"`, `"$user_agent":"UA"`, `,"ua":"UA"`, `,"user_agent":"UA"`} {
		v.body = strings.Replace(v.body, member, "", 1)
	}
	return v
}

func TestEventsOfBotsAreFlaggedByWhatTheyThemselvesSay(t *testing.T) {
	servers := []string{"cloudevents", "tinybird"}
	for name, v := range visits {
		header := http.Header{"User-Agent": {sdk}}
		if got, want := v.send(t, crawler, header), !slices.Contains(servers, name); got != want {
			t.Errorf("%s: an event of a bot is flagged: %v", name, got)
		}
		if v.send(t, person, header) {
			t.Errorf("%s: an event of a person that a server sent is flagged", name)
		}
	}
}

func TestTheHeaderTellsOfThePageThatSentItAndNotOfAServer(t *testing.T) {
	hits, servers := []string{"umami", "umami batch", "plausible"}, []string{"cloudevents", "tinybird"}
	page, server := http.Header{"User-Agent": {crawler}, "Origin": {"https://shop.example"}}, http.Header{"User-Agent": {sdk}}
	for name, v := range visits {
		v = v.unsaid()
		if strings.Contains(v.body, "UA") && !slices.Contains(servers, name) {
			t.Fatalf("%s still says which browser: %s", name, v.body)
		}
		if got, want := v.send(t, person, page), !slices.Contains(servers, name); got != want {
			t.Errorf("%s: what a page sent in a bot is flagged: %v", name, got)
		}
		if got, want := v.send(t, person, server), slices.Contains(hits, name); got != want {
			t.Errorf("%s: what a server sent is flagged: %v", name, got)
		}
	}
}
