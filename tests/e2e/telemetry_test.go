package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
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

// sendTelemetry sends with OpenTelemetry's Go exporters. They give up on a connection that
// breaks, and on a 413: then what they had is handed to them again.
func sendTelemetry(ctx context.Context, to turn) error {
	for _, send := range []func(context.Context, turn) error{sendSpans, sendPoints, sendLogs} {
		if err := send(ctx, to); err != nil {
			return err
		}
	}
	return nil
}

func sendPoints(ctx context.Context, to turn) (err error) {
	exporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(to.URL+"/v1/metrics"), otlpmetrichttp.WithHeaders(bearer(to)),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: time.Minute}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, exporter.Shutdown(context.WithoutCancel(ctx))) }()
	var points []metricdata.DataPoint[int64]
	for n := to.From; n < to.From+to.Each; n++ {
		points = append(points, metricdata.DataPoint[int64]{Attributes: attribute.NewSet(attribute.String("n", fmt.Sprint("point-", n))), Time: time.Unix(1795348800, 0), Value: int64(n)})
	}
	metrics := []metricdata.Metrics{{Name: "orders", Data: metricdata.Gauge[int64]{DataPoints: points}}}
	return atLast(ctx, func() error {
		return exporter.Export(ctx, &metricdata.ResourceMetrics{ScopeMetrics: []metricdata.ScopeMetrics{{Metrics: metrics}}})
	})
}

func bearer(to turn) map[string]string { return map[string]string{"Authorization": "Bearer " + to.Key} }

func sendLogs(ctx context.Context, to turn) (err error) {
	exporter, err := otlploghttp.New(ctx, otlploghttp.WithEndpointURL(to.URL+"/v1/logs"), otlploghttp.WithHeaders(bearer(to)),
		otlploghttp.WithRetry(otlploghttp.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: time.Minute}))
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(again{exporter}, sdklog.WithExportTimeout(time.Minute))))
	defer func() { err = errors.Join(err, provider.Shutdown(context.WithoutCancel(ctx))) }()
	for n := to.From; n < to.From+to.Each; n++ {
		var r log.Record
		r.SetTimestamp(time.Unix(1795348800, int64(n)))
		r.AddAttributes(attribute.String("n", fmt.Sprint("log-", n)))
		provider.Logger("shop").Emit(ctx, r)
	}
	return provider.ForceFlush(ctx)
}

// again hands to an exporter again what it gave up on.
type again struct{ sdklog.Exporter }

func (a again) Export(ctx context.Context, records []sdklog.Record) error {
	return atLast(ctx, func() error { return a.Exporter.Export(ctx, records) })
}

func sendSpans(ctx context.Context, to turn) (err error) {
	client := otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(to.URL+"/v1/traces"), otlptracehttp.WithHeaders(bearer(to)),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: time.Minute}))
	if err := client.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Stop(context.WithoutCancel(ctx))) }()
	var spans []*tracesv1.Span
	for n := 2 * to.From; n < 2*(to.From+to.Each); n++ {
		text := &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: fmt.Sprint(n)}}
		spans = append(spans, &tracesv1.Span{TraceId: fmt.Appendf(nil, "trace-%010d", n), SpanId: fmt.Appendf(nil, "sp%06d", n), Name: "GET /",
			StartTimeUnixNano: 1795348800_000000000, EndTimeUnixNano: 1795348801_000000000, Attributes: []*commonv1.KeyValue{{Key: "n", Value: text}}})
	}
	for batch := range slices.Chunk(spans, to.Each) {
		request := []*tracesv1.ResourceSpans{{ScopeSpans: []*tracesv1.ScopeSpans{{Spans: batch}}}}
		if err := atLast(ctx, func() error { return client.UploadTraces(ctx, request) }); err != nil {
			return err
		}
	}
	return nil
}

// writeSamples sends with Prometheus' own client of remote write 2. It gives up on a 413.
func writeSamples(ctx context.Context, to turn) error {
	keyed := &http.Client{Transport: authorized("Bearer " + to.Key)}
	api, err := remote.NewAPI(to.URL, remote.WithAPIHTTPClient(keyed), remote.WithAPIPath("api/v1/write"), remote.WithAPILogger(slog.New(slog.DiscardHandler)),
		remote.WithAPIBackoff(remote.BackoffConfig{Min: time.Millisecond, Max: time.Millisecond, MaxRetries: 20}))
	if err != nil {
		return err
	}
	for from := 4 * to.From; from < 4*(to.From+to.Each); from += to.Each {
		r := &writev2.Request{Symbols: []string{"", "__name__", "orders", "n"}}
		for n := from; n < from+to.Each; n++ {
			r.Symbols = append(r.Symbols, fmt.Sprint(n))
			r.Timeseries = append(r.Timeseries, &writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 3, uint32(len(r.Symbols) - 1)}, // #nosec G115 -- a few
				Samples: []*writev2.Sample{{Value: float64(n), Timestamp: 1795348800000}}})
		}
		err := atLast(ctx, func() error {
			wrote, err := api.Write(ctx, remote.WriteV2MessageType, r)
			if err == nil && wrote.Samples < to.Each {
				err = fmt.Errorf("%d samples are said to be written", wrote.Samples)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	never := &writev2.Request{Symbols: []string{"", "__name__", "orders"}, Timeseries: []*writev2.TimeSeries{{LabelsRefs: []uint32{1, 2}, Samples: []*writev2.Sample{{Value: 1, Timestamp: 8e12}}}}}
	return atLast(ctx, func() error {
		wrote, err := api.Write(ctx, remote.WriteV2MessageType, never)
		if err == nil || wrote.Samples != 0 {
			return fmt.Errorf("what can never be stored is said to be written: %+v", wrote)
		}
		if !strings.Contains(err.Error(), "HTTP status 400") {
			return err
		}
		return nil
	})
}

// authorized adds a key to each request.
type authorized string

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", string(a))
	return http.DefaultTransport.RoundTrip(r)
}
