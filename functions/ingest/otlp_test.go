package ingest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	logspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
)

func (s *service) export(path, key, typ, encoding, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for name, value := range map[string]string{"Authorization": key, "Content-Type": typ, "Content-Encoding": encoding} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	out := httptest.NewRecorder()
	s.ServeHTTP(out, r)
	return out
}

// logRecords is a request with a record for each name.
func logRecords(t *testing.T, names ...string) string {
	var records []*logsv1.LogRecord
	for _, name := range names {
		records = append(records, &logsv1.LogRecord{EventName: name, Body: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: "x"}}})
	}
	body, err := proto.Marshal(&logspb.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: records}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestTelemetryIsAnsweredInTheEncodingItCameIn(t *testing.T) {
	s := newService(t)
	key := "Bearer " + s.key(t, access.Producer, "web")
	long := strings.Repeat("x", 257)
	if out := s.export("/v1/traces", key, "application/json; charset=utf-8", "", `{}`); out.Code != http.StatusOK || strings.TrimSpace(out.Body.String()) != "{}" || out.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", out.Code, out.Header(), out.Body)
	}
	out := s.export("/v1/logs", key, "application/json", "", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{"eventName":"`+long+`"},{}]}]}]}`)
	const want = `{"partialSuccess":{"errorMessage":"too_long: event_name: it is longer than is allowed","rejectedLogRecords":"1"}}`
	if out.Code != http.StatusOK || strings.TrimSpace(out.Body.String()) != want {
		t.Errorf("%d %s", out.Code, out.Body)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(logRecords(t, "a", "b")))
	_ = z.Close()
	out = s.export("/v1/logs", key, "application/x-protobuf", "gzip", zipped.String())
	if out.Code != http.StatusOK || out.Body.Len() != 0 || out.Header().Get("Content-Type") != "application/x-protobuf" || out.Header().Get("Tarn-Version") == "" {
		t.Errorf("%d %v %q", out.Code, out.Header(), out.Body)
	}
	out = s.export("/v1/logs", key, "application/x-protobuf", "", logRecords(t, "a", long, long))
	var got logspb.ExportLogsServiceResponse
	if err := proto.Unmarshal(out.Body.Bytes(), &got); err != nil || got.PartialSuccess.GetRejectedLogRecords() != 2 || got.PartialSuccess.GetErrorMessage() == "" {
		t.Errorf("%v %v %d", err, &got, out.Code)
	}
	if got := s.arrived(t); len(got) != 8 {
		t.Errorf("%d on the stream: %v", len(got), got)
	}
}

func TestARetryOfLogRecordsHasTheSameIDs(t *testing.T) {
	s := newService(t)
	key := "Bearer " + s.key(t, access.Producer, "web")
	for range 2 {
		if out := s.export("/v1/logs", key, "application/x-protobuf", "", logRecords(t, "a", "b")); out.Code != http.StatusOK {
			t.Fatal(out.Code, out.Body)
		}
	}
	if got := s.arrived(t); len(got) != 4 || got[0] != got[2] || got[1] != got[3] || got[0] == got[1] {
		t.Error(got)
	}
}

func TestProblemsOfTelemetryAreStatusesThatExportersUnderstand(t *testing.T) {
	s := newService(t)
	key := "Bearer " + s.key(t, access.Producer, "web")
	for name, c := range map[string]struct {
		key, typ, body string
		away           error
		status, code   int
		starts         string
	}{
		"from nobody":             {"", "application/json", `{}`, nil, 401, 16, "unauthenticated: "},
		"from a reader":           {"Bearer " + s.key(t, access.Viewer, "web"), "application/json", `{}`, nil, 403, 7, "denied: "},
		"of no type that we read": {key, "text/plain", `{}`, nil, 415, 3, "unsupported_media_type: "},
		"that is no request":      {key, "application/x-protobuf", `{}`, nil, 400, 3, "bad_protobuf: "},
		"past the limit":          {key, "application/x-protobuf", strings.Repeat(" ", 10<<20+1), nil, 413, 3, "body_too_large: "},
		"with the stream away":    {key, "application/x-protobuf", logRecords(t, "a"), fault.New(fault.Unavailable, "away", "away"), 503, 14, "stream_unavailable: "},
		"with the stream full":    {key, "application/x-protobuf", logRecords(t, "a"), fault.New(fault.Throttled, "away", "away"), 429, 8, "stream_throttled: "},
		"with a mistake of ours":  {key, "application/x-protobuf", logRecords(t, "a"), errors.New("a secret"), 503, 14, "internal: something went wrong on our side: "},
	} {
		t.Run(name, func(t *testing.T) {
			s.away = c.away
			out := s.export("/v1/logs", c.key, c.typ, "", c.body)
			var got statuspb.Status
			if c.typ == "application/x-protobuf" {
				if err := proto.Unmarshal(out.Body.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
			} else if err := protojson.Unmarshal(out.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			wantType := c.typ
			if c.status == 415 {
				wantType = "application/json"
			}
			if out.Code != c.status || int(got.Code) != c.code || !strings.HasPrefix(got.Message, c.starts) || out.Header().Get("Content-Type") != wantType {
				t.Errorf("%d %v %v", out.Code, &got, out.Header())
			}
			if retry := out.Header().Get("Retry-After") != ""; retry != (c.away != nil) {
				t.Errorf("Retry-After: %v", out.Header())
			}
		})
	}
}
