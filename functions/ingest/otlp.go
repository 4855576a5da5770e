package ingest

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/otlp"
	"github.com/tarnhq/tarn/shared/route"
)

var otlpDecoders = sync.Pool{New: func() any { return new(otlp.Decoder) }}

// protobufType is the media type of protobuf, as OTLP's exporters compare it.
const protobufType = "application/x-protobuf"

// exported is the answer to an export, for the API reference.
type exported struct {
	PartialSuccess *struct {
		Rejected     string `json:"rejectedLogRecords" doc:"how many are in quarantine; of metrics rejectedDataPoints, of traces rejectedSpans"`
		ErrorMessage string `json:"errorMessage" doc:"why the first of them is"`
	} `json:"partialSuccess,omitempty"`
}

// telemetry is OpenTelemetry's protocol over HTTP.
func telemetry() (all []protocol) {
	for _, s := range []struct {
		route    route.Route
		signal   otlp.Signal
		rejected string
	}{
		{route.ExportLogs, otlp.Logs, "rejectedLogRecords"},
		{route.ExportMetrics, otlp.Metrics, "rejectedDataPoints"},
		{route.ExportTraces, otlp.Traces, "rejectedSpans"},
	} {
		all = append(all, protocol{
			route: s.route, accepts: map[string]any{}, returns: exported{},
			key: inAddress,
			decode: func(m message) ([]events.Event, func(), error) {
				d := otlpDecoders.Get().(*otlp.Decoder)
				done := func() { otlpDecoders.Put(d) }
				switch typ := mediaType(m.Request); typ {
				case protobufType, "application/json":
					sent, err := d.Decode(s.signal, typ != protobufType, m.body, m.arrived)
					return sent, done, err
				}
				return nil, done, unknownType(m.Request).WithHint("send application/x-protobuf or application/json")
			},
			answer: func(w http.ResponseWriter, m message, sent []events.Event) error {
				rejected, why := refused(sent)
				return writeExported(w, mediaType(m.Request), s.rejected, rejected, why)
			},
			refuse: func(w http.ResponseWriter, m message, p *api.Problem) error {
				return writeStatus(w, mediaType(m.Request), p)
			},
		})
	}
	return all
}

// mediaType is what a request says that its body is; JSON where it says nothing.
func mediaType(r *http.Request) string {
	if r.Header.Get("Content-Type") == "" {
		return "application/json"
	}
	typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return typ
}

// unsupported is the code of the problem that 415 tells of.
const unsupported = "unsupported_media_type"

func unknownType(r *http.Request) *fault.Error {
	return fault.New(fault.Invalid, unsupported, "the content type %.80q is not understood", r.Header.Get("Content-Type"))
}

// refused counts the events that can never be stored, and says why the first one cannot.
func refused(sent []events.Event) (n int64, why string) {
	for i := range sent {
		if sent[i].Refused.Code == "" {
			continue
		}
		if n == 0 {
			why = sent[i].Refused.Code + ": " + sent[i].Refused.Reason
		}
		n++
	}
	return n, why
}

// writeExported answers an export. What is in quarantine is said to be rejected: nobody
// is to send it again.
func writeExported(w http.ResponseWriter, typ, field string, rejected int64, why string) error {
	if typ == protobufType {
		w.Header().Set("Content-Type", protobufType)
		if rejected == 0 {
			w.WriteHeader(http.StatusOK)
			return nil
		}
		partial := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(rejected)) // #nosec G115 -- a number of events
		partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), why)
		_, err := w.Write(protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial))
		return err
	}
	answer := map[string]any{}
	if rejected > 0 {
		answer["partialSuccess"] = map[string]string{field: strconv.FormatInt(rejected, 10), "errorMessage": why}
	}
	return json.NewEncoder(w).Encode(answer)
}

// rpcCodes are gRPC's codes for statuses of ours.
var rpcCodes = map[int]uint64{
	http.StatusBadRequest: 3, http.StatusUnsupportedMediaType: 3, http.StatusRequestEntityTooLarge: 3, http.StatusNotFound: 5, http.StatusForbidden: 7,
	http.StatusTooManyRequests: 8, http.StatusConflict: 10, http.StatusServiceUnavailable: 14, http.StatusUnauthorized: 16,
}

// writeStatus answers a problem by a google.rpc.Status. Exporters throw away what is
// answered 500, and what failed through our fault is as good as new: that is 503.
func writeStatus(w http.ResponseWriter, typ string, p *api.Problem) error {
	status := p.Status
	switch {
	case status == http.StatusInternalServerError:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	case p.Code == unsupported:
		status = http.StatusUnsupportedMediaType
	}
	if typ == protobufType {
		w.Header().Set("Content-Type", protobufType)
		w.WriteHeader(status)
		body := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), rpcCodes[status])
		_, err := w.Write(protowire.AppendString(protowire.AppendTag(body, 2, protowire.BytesType), sentence(p)))
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(struct {
		Code    uint64 `json:"code"`
		Message string `json:"message"`
	}{rpcCodes[status], sentence(p)})
}
