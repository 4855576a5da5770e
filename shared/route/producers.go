package route

import (
	"net/http"
	"slices"

	"github.com/tarnhq/tarn/shared/access"
)

// Producers are the endpoints of protocols that producers speak already.
var Producers = slices.Concat(Track, []Route{SendCloudEvents})

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
