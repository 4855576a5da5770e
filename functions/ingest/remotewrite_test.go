package ingest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
	"google.golang.org/protobuf/proto"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
)

// samples is a request of version 2 with a sample for each time, in milliseconds.
func samples(t *testing.T, times ...int64) string {
	s := &writev2.TimeSeries{LabelsRefs: []uint32{1, 2}, Exemplars: []*writev2.Exemplar{{Timestamp: 1}}, Histograms: []*writev2.Histogram{{Timestamp: 1}}}
	for _, at := range times {
		s.Samples = append(s.Samples, &writev2.Sample{Value: 1, Timestamp: at})
	}
	body, err := proto.Marshal(&writev2.Request{Symbols: []string{"", "__name__", "up"}, Timeseries: []*writev2.TimeSeries{s}})
	if err != nil {
		t.Fatal(err)
	}
	return string(snappy.Encode(nil, body))
}

const version2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

func TestAWriteIsAnsweredByWhatWasWritten(t *testing.T) {
	s := newService(t)
	key := "Bearer " + s.key(t, access.Producer, "web")
	written := func(h http.Header) string {
		return h.Get("X-Prometheus-Remote-Write-Samples-Written") + " " + h.Get("X-Prometheus-Remote-Write-Histograms-Written") + " " + h.Get("X-Prometheus-Remote-Write-Exemplars-Written")
	}
	const never = 8e12 // in the year 2223
	for name, c := range map[string]struct {
		key, typ, encoding, body string
		away                     error
		status                   int
		starts, written          string
	}{
		"all of it":              {key, version2, "snappy", samples(t, 1, 2), nil, 204, "", "2 1 1"},
		"nothing":                {key, version2, "snappy", string(snappy.Encode(nil, nil)), nil, 204, "", "0 0 0"},
		"a part":                 {key, version2, "snappy", samples(t, 3, never), nil, 400, "partly_quarantined: 1 of 4 ", "1 1 1"},
		"version 1":              {key, "application/x-protobuf", "snappy", string(snappy.Encode(nil, []byte("\x0a\x0f\x0a\x00\x12\x0b\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x01"))), nil, 204, "", "  "},
		"of another version":     {key, "application/x-protobuf;proto=io.prometheus.write.v3.Request", "snappy", samples(t, 1), nil, 415, "unsupported_media_type: ", "  "},
		"of another type":        {key, "application/json", "", `{}`, nil, 415, "unsupported_media_type: ", "  "},
		"in another compression": {key, version2, "br", "x", nil, 415, "unsupported_encoding: ", "  "},
		"that is no snappy":      {key, version2, "snappy", "x", nil, 400, "bad_encoding: ", "  "},
		"that is no request":     {key, version2, "snappy", string(snappy.Encode(nil, []byte("up 1"))), nil, 400, "bad_protobuf: ", "  "},
		"too large":              {key, version2, "snappy", string(snappy.Encode(nil, make([]byte, 10<<20+1))), nil, 413, "body_too_large: ", "  "},
		"from nobody":            {"", version2, "snappy", samples(t, 1), nil, 401, "unauthenticated: ", "  "},
		"with the stream away":   {key, version2, "snappy", samples(t, 1), fault.New(fault.Unavailable, "away", "away"), 503, "stream_unavailable: ", "  "},
		"with the stream full":   {key, version2, "snappy", samples(t, 1), fault.New(fault.Throttled, "away", "away"), 429, "stream_throttled: ", "  "},
	} {
		t.Run(name, func(t *testing.T) {
			s.away = c.away
			out := s.export("/api/v1/write", c.key, c.typ, c.encoding, c.body)
			if out.Code != c.status || !strings.HasPrefix(out.Body.String(), c.starts) || (c.starts == "") != (out.Body.Len() == 0) || written(out.Header()) != c.written {
				t.Errorf("%d %q %v", out.Code, out.Body, out.Header())
			}
			if retry := out.Header().Get("Retry-After") != ""; retry != (c.away != nil) {
				t.Errorf("Retry-After: %v", out.Header())
			}
		})
	}
	s.away = nil
	if got := s.arrived(t); len(got) != 4+4+1 {
		t.Errorf("%d on the stream: %v", len(got), got)
	}
}
