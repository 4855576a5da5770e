package route

import (
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
)

// The endpoints of OpenTelemetry's protocol over HTTP.
var (
	ExportLogs    = export("exportLogs", "/v1/logs", "Send log records: each is an event")
	ExportMetrics = export("exportMetrics", "/v1/metrics", "Send metrics: each point is an event \"metric\"")
	ExportTraces  = export("exportTraces", "/v1/traces", "Send spans: each is an event \"span\"")

	Telemetry = []Route{ExportLogs, ExportMetrics, ExportTraces}
)

func export(id, path, summary string) Route {
	return Route{ID: id, Function: "ingest", Method: http.MethodPost, Path: path, Action: access.WriteEvents, Status: http.StatusOK, Tag: "OpenTelemetry",
		Summary: summary, Producer: true, MaxBody: MaxIngest, Accepts: []string{"application/x-protobuf"}, Answers: []string{"application/x-protobuf"},
		Params: []Param{{"write_key", "the write key, for a producer that can set no header", ""}}}
}

// RemoteWrite takes what Prometheus, and agents that speak its protocol, write elsewhere.
var RemoteWrite = Route{ID: "remoteWrite", Function: "ingest", Method: http.MethodPost, Path: "/api/v1/write", Action: access.WriteEvents, Status: http.StatusNoContent,
	Tag: "Prometheus", Summary: "Write samples by Prometheus' remote write, version 2 or 1", Producer: true, MaxBody: MaxIngest, Accepts: []string{"application/x-protobuf"},
	Params: []Param{{"write_key", "the write key, for a producer that can set no header", ""}}}
