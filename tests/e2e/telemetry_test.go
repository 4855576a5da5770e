package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracesv1 "go.opentelemetry.io/proto/otlp/trace/v1"
)

// openTelemetry is JavaScript's exporters in one encoding.
func openTelemetry(encoding string) func(t *testing.T, url, key string) {
	return func(t *testing.T, url, key string) {
		play(t, "otlp.mjs", map[string]any{"url": url, "key": key, "each": each, "encoding": encoding})
	}
}

// sendTelemetry sends with OpenTelemetry's Go exporters. They give up on a connection that
// breaks, and on a 413: then what they had is handed to them again.
func sendTelemetry(t *testing.T, url, key string) {
	sendSpans(t, url, key)
	sendPoints(t, url, key)
	sendLogs(t, url, key)
}

func sendPoints(t *testing.T, url, key string) {
	to, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpointURL(url+"/v1/metrics"), otlpmetrichttp.WithHeaders(map[string]string{"Authorization": "Bearer " + key}),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: time.Minute}))
	if err != nil {
		t.Fatal(err)
	}
	var points []metricdata.DataPoint[int64]
	for n := range each {
		points = append(points, metricdata.DataPoint[int64]{Attributes: attribute.NewSet(attribute.String("n", fmt.Sprint("point-", n))), Time: time.Unix(1795348800, 0), Value: int64(n)})
	}
	metrics := []metricdata.Metrics{{Name: "orders", Data: metricdata.Gauge[int64]{DataPoints: points}}}
	sentAtLast(t, func() error {
		return to.Export(t.Context(), &metricdata.ResourceMetrics{ScopeMetrics: []metricdata.ScopeMetrics{{Metrics: metrics}}})
	})
}

func sendLogs(t *testing.T, url, key string) {
	to, err := otlploghttp.New(t.Context(), otlploghttp.WithEndpointURL(url+"/v1/logs"), otlploghttp.WithHeaders(map[string]string{"Authorization": "Bearer " + key}),
		otlploghttp.WithRetry(otlploghttp.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: time.Minute}))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(again{to, t})))
	for n := range each {
		var r log.Record
		r.SetTimestamp(time.Unix(1795348800, int64(n)))
		r.AddAttributes(attribute.String("n", fmt.Sprint("log-", n)))
		provider.Logger("shop").Emit(t.Context(), r)
	}
	if err := provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// again hands to an exporter again what it gave up on.
type again struct {
	sdklog.Exporter
	t *testing.T
}

func (a again) Export(ctx context.Context, records []sdklog.Record) error {
	sentAtLast(a.t, func() error { return a.Exporter.Export(ctx, records) })
	return nil
}

func sendSpans(t *testing.T, url, key string) {
	client := otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(url+"/v1/traces"), otlptracehttp.WithHeaders(map[string]string{"Authorization": "Bearer " + key}),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: time.Minute}))
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Stop(context.Background()) }() // what was sent is sent
	var spans []*tracesv1.Span
	for n := range 2 * each {
		text := &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: fmt.Sprint(n)}}
		spans = append(spans, &tracesv1.Span{TraceId: fmt.Appendf(nil, "trace-%010d", n), SpanId: fmt.Appendf(nil, "sp%06d", n), Name: "GET /",
			StartTimeUnixNano: 1795348800_000000000, EndTimeUnixNano: 1795348801_000000000, Attributes: []*commonv1.KeyValue{{Key: "n", Value: text}}})
	}
	for from := 0; from < len(spans); from += each {
		batch := []*tracesv1.ResourceSpans{{ScopeSpans: []*tracesv1.ScopeSpans{{Spans: spans[from : from+each]}}}}
		sentAtLast(t, func() error { return client.UploadTraces(t.Context(), batch) })
	}
}

// writeSamples sends with Prometheus' own client of remote write 2. It gives up on a 413.
func writeSamples(t *testing.T, url, key string) {
	keyed := &http.Client{Transport: authorized("Bearer " + key)}
	api, err := remote.NewAPI(url, remote.WithAPIHTTPClient(keyed), remote.WithAPIPath("api/v1/write"), remote.WithAPILogger(slog.New(slog.DiscardHandler)),
		remote.WithAPIBackoff(remote.BackoffConfig{Min: time.Millisecond, Max: time.Millisecond, MaxRetries: 20}))
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < 4*each; from += each {
		r := &writev2.Request{Symbols: []string{"", "__name__", "orders", "n"}}
		for n := from; n < from+each; n++ {
			r.Symbols = append(r.Symbols, fmt.Sprint(n))
			r.Timeseries = append(r.Timeseries, &writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 3, uint32(len(r.Symbols) - 1)}, // #nosec G115 -- a few
				Samples: []*writev2.Sample{{Value: float64(n), Timestamp: 1795348800000}}})
		}
		sentAtLast(t, func() error {
			wrote, err := api.Write(t.Context(), remote.WriteV2MessageType, r)
			if err == nil && wrote.Samples < each {
				t.Errorf("%d samples are said to be written", wrote.Samples)
			}
			return err
		})
	}
	never := &writev2.Request{Symbols: []string{"", "__name__", "orders"}, Timeseries: []*writev2.TimeSeries{{LabelsRefs: []uint32{1, 2}, Samples: []*writev2.Sample{{Value: 1, Timestamp: 8e12}}}}}
	if wrote, err := api.Write(t.Context(), remote.WriteV2MessageType, never); err == nil || wrote.Samples != 0 {
		t.Errorf("what can never be stored is said to be written: %+v", wrote)
	}
}

// authorized adds a key to each request.
type authorized string

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", string(a))
	return http.DefaultTransport.RoundTrip(r)
}

// sentAtLast tries again what a client gives up on.
func sentAtLast(t *testing.T, send func() error) {
	t.Helper()
	var err error
	for range 20 {
		if err = send(); err == nil {
			return
		}
	}
	t.Fatal(err)
}
