package route

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/access"
)

// Producers are the endpoints of protocols that producers speak already.
var Producers = slices.Concat(Track, []Route{SendCloudEvents}, PostHogCapture, []Route{PostHogEvents}, PostHogFlags, []Route{TinybirdEvents}, Telemetry, []Route{RemoteWrite}, []Route{Snowplow, SnowplowPixel, UmamiSend, UmamiBatch, PlausibleEvent})

// Track are the endpoints that Segment-compatible SDKs send to.
var Track = func() (routes []Route) {
	for _, call := range []struct{ path, id, summary string }{
		{"/v1/track", "track", "Track: something that a user did"},
		{"/v1/identify", "identify", "Identify: who a user is"},
		{"/v1/page", "page", "Page: a page that was seen"},
		{"/v1/screen", "screen", "Screen: a screen that was seen"},
		{"/v1/group", "group", "Group: what a user belongs to"},
		{"/v1/alias", "alias", "Alias: another id of a user"},
		{"/v1/batch", "batch", "Batch: several of these calls"},
		{"/v1/b", "batchV1B", "Batch, by the short name that some SDKs use"},
		{"/b", "batchB", "Batch, by the shortest name that some SDKs use"},
	} {
		routes = append(routes, Route{ID: call.id, Function: "ingest", Method: http.MethodPost, Path: call.path, Action: access.WriteEvents,
			Status: http.StatusOK, Tag: "Segment-compatible", Summary: call.summary, Producer: true, MaxBody: MaxIngest})
	}
	return routes
}()

// SendCloudEvents takes CloudEvents by HTTP.
var SendCloudEvents = Route{ID: "sendCloudEvents", Function: "ingest", Method: http.MethodPost, Path: "/v1/cloudevents", Action: access.WriteEvents,
	Status: http.StatusOK, Tag: "CloudEvents", Summary: "Send CloudEvents: one in binary or structured mode, or a batch", Producer: true, MaxBody: MaxIngest,
	Accepts: []string{"application/cloudevents+json", "application/cloudevents-batch+json", "*/*"},
	Params: []Param{
		{"write_key", "the write key, for a producer that can set no header", ""},
		{"user_id", "the attribute that is the user's id; default: none is", "subject"},
	}}

// PostHogCapture are the endpoints of PostHog's capture protocol v0, which all take the
// same bodies: what a client calls them by is a matter of its kind and age.
var PostHogCapture = func() (routes []Route) {
	for _, path := range []string{"/batch", "/batch/", "/capture", "/capture/", "/e", "/e/", "/i/v0/e", "/i/v0/e/", "/i/v0/ai/batch/"} {
		r := Route{ID: postHogID("posthog", path), Function: "ingest", Method: http.MethodPost, Path: path, Action: access.WriteEvents,
			Status: http.StatusOK, Tag: "PostHog-compatible", Summary: "Capture events: one, an array, or a batch", Producer: true, MaxBody: MaxIngest}
		routes = append(routes, r)
	}
	return routes
}()

// PostHogEvents takes batches of PostHog's capture protocol v1.
var PostHogEvents = Route{ID: "posthogEvents", Function: "ingest", Method: http.MethodPost, Path: "/i/v1/analytics/events", Action: access.WriteEvents,
	Status: http.StatusOK, Tag: "PostHog-compatible", Summary: "Capture a batch of events, with a result for each", Producer: true, MaxBody: MaxIngest}

// PostHogFlags tell PostHog's clients that there are no feature flags.
var PostHogFlags = []Route{
	{ID: "posthogFlags", Function: "ingest", Method: http.MethodPost, Path: "/flags", Action: access.WriteEvents,
		Status: http.StatusOK, Tag: "PostHog-compatible", Summary: "Answer that no feature flag is set", Producer: true},
	{ID: "posthogFlagsSlash", Function: "ingest", Method: http.MethodPost, Path: "/flags/", Action: access.WriteEvents,
		Status: http.StatusOK, Tag: "PostHog-compatible", Summary: "Answer that no feature flag is set", Producer: true},
	{ID: "posthogFlagDefinitions", Function: "ingest", Method: http.MethodGet, Path: "/flags/definitions", Action: access.WriteEvents,
		Status: http.StatusOK, Tag: "PostHog-compatible", Summary: "Answer that no feature flag is defined", Producer: true},
}

// postHogID makes an operation's id of a path: "/i/v0/e/" is "posthogIV0ESlash".
func postHogID(id, path string) string {
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if part == "" {
			part = "slash"
		}
		id += strings.ToUpper(part[:1]) + part[1:]
	}
	return id
}

// TinybirdEvents is Tinybird's Events API.
var TinybirdEvents = Route{ID: "tinybirdEvents", Function: "ingest", Method: http.MethodPost, Path: "/v0/events", Action: access.WriteEvents,
	Status: http.StatusOK, Tag: "Tinybird-compatible", Summary: "Append rows: JSON objects, one a line", Producer: true, MaxBody: MaxIngest, ErrorText: true,
	Accepts: []string{"application/x-ndjson"},
	Params: []Param{
		{"name", "the dataset; default: that of the key", "hits"},
		{"wait", "true: the status is 200, and else 202; what is acknowledged is on disk in both cases", "true"},
		{"token", "the write key, for a producer that can set no header", ""},
	}}

// Snowplow takes what Snowplow's trackers POST.
var Snowplow = Route{ID: "snowplowEvents", Function: "ingest", Method: http.MethodPost, Path: "/com.snowplowanalytics.snowplow/tp2", Action: access.WriteEvents,
	Status: http.StatusOK, Tag: "Snowplow-compatible", Summary: "Send events of Snowplow's tracker protocol", Producer: true, MaxBody: MaxIngest,
	Params: []Param{{"write_key", "the write key, for a producer that can set no header", ""}}}

// SnowplowPixel takes what Snowplow's trackers GET: an event in the address.
var SnowplowPixel = Route{ID: "snowplowPixel", Function: "ingest", Method: http.MethodGet, Path: "/i", Action: access.WriteEvents,
	Status: http.StatusOK, Tag: "Snowplow-compatible", Summary: "Send an event of Snowplow's tracker protocol in the address; the answer is a transparent pixel", Producer: true,
	Answers: []string{"image/gif"},
	Params:  []Param{{"e", "the kind of event; all other parameters of the protocol likewise", "pv"}, {"write_key", "the write key, for a producer that can set no header", ""}}}

// UmamiSend takes what Umami's trackers send.
var UmamiSend = Route{ID: "umamiSend", Function: "ingest", Method: http.MethodPost, Path: "/api/send", Action: access.WriteEvents,
	Status: http.StatusOK, Tag: "Umami-compatible", Summary: "Send an event, or who a visitor is", Producer: true, MaxBody: MaxIngest,
	Params: []Param{{"write_key", "the write key, where the website's id is none", ""}}}

// UmamiBatch takes arrays of what Umami's trackers send.
var UmamiBatch = Route{ID: "umamiBatch", Function: "ingest", Method: http.MethodPost, Path: "/api/batch", Action: access.WriteEvents,
	Status: http.StatusOK, Tag: "Umami-compatible", Summary: "Send an array of events, and learn which were refused", Producer: true, MaxBody: MaxIngest,
	Params: []Param{{"write_key", "the write key, where the website's id is none", ""}}}

// PlausibleEvent takes what Plausible's trackers send.
var PlausibleEvent = Route{ID: "plausibleEvent", Function: "ingest", Method: http.MethodPost, Path: "/api/event", Action: access.WriteEvents,
	Status: http.StatusAccepted, Tag: "Plausible-compatible", Summary: "Send an event", Producer: true, MaxBody: MaxIngest, Accepts: []string{"text/plain"},
	Params: []Param{{"write_key", "the write key, where the domain is none", ""}}}
