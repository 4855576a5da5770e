package main

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/snappy"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracesv1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	resourceJSON   = `"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}`
	attributesJSON = `"attributes":[{"key":"user.id","value":{"stringValue":"%s"}},{"key":"url","value":{"stringValue":"%s"}},{"key":"sku","value":{"stringValue":"%s"}},{"key":"price","value":{"doubleValue":%.2f}}]`
)

var resource = &resourcev1.Resource{Attributes: []*commonv1.KeyValue{{Key: "service.name", Value: text("shop")}}}

func text(s string) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: s}}
}

func (e event) attributes() []*commonv1.KeyValue {
	return []*commonv1.KeyValue{{Key: "user.id", Value: text(e.user)}, {Key: "url", Value: text(e.url)}, {Key: "sku", Value: text(e.sku)},
		{Key: "price", Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: e.price}}}}
}

// nanos is the time, other than that of any other event of the turn.
func (e event) nanos() uint64 { return uint64(e.at.UnixNano() + e.number>>32) } // #nosec G115 -- of today

func (e event) span() (trace, span []byte) {
	span = binary.BigEndian.AppendUint64(nil, uint64(e.number)+1) // #nosec G115 -- not negative
	return append([]byte("8 bytes:"), span...), span
}

func marshal(dst []byte, m proto.Message) []byte {
	dst, err := proto.MarshalOptions{}.MarshalAppend(dst, m)
	if err != nil {
		panic(err) // texts that are UTF-8
	}
	return dst
}

func logs(dst []byte, _ string, all []event) []byte {
	var records []*logsv1.LogRecord
	for _, e := range all {
		records = append(records, &logsv1.LogRecord{TimeUnixNano: e.nanos(), ObservedTimeUnixNano: e.nanos(), SeverityNumber: 9, SeverityText: "INFO", Body: text("product viewed"), Attributes: e.attributes()})
	}
	return marshal(dst, &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{Resource: resource, ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: records}}}}})
}

func logsJSON(dst []byte, _ string, all []event) []byte {
	dst = append(dst, `{"resourceLogs":[{`+resourceJSON+`,"scopeLogs":[{"logRecords":[`...)
	dst = joined(dst, all, func(dst []byte, e event) []byte {
		return fmt.Appendf(dst, `{"timeUnixNano":"%d","observedTimeUnixNano":"%d","severityNumber":9,"severityText":"INFO","body":{"stringValue":"product viewed"},`+attributesJSON+`}`, e.nanos(), e.nanos(), e.user, e.url, e.sku, e.price)
	})
	return append(dst, `]}]}]}`...)
}

func points(dst []byte, _ string, all []event) []byte {
	var data []*metricsv1.NumberDataPoint
	for _, e := range all {
		data = append(data, &metricsv1.NumberDataPoint{TimeUnixNano: e.nanos(), Value: &metricsv1.NumberDataPoint_AsDouble{AsDouble: e.price}, Attributes: e.attributes()})
	}
	metric := &metricsv1.Metric{Name: "product.viewed", Unit: "1", Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: data}}}
	return marshal(dst, &metricsv1.MetricsData{ResourceMetrics: []*metricsv1.ResourceMetrics{{Resource: resource, ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: []*metricsv1.Metric{metric}}}}}})
}

func pointsJSON(dst []byte, _ string, all []event) []byte {
	dst = append(dst, `{"resourceMetrics":[{`+resourceJSON+`,"scopeMetrics":[{"metrics":[{"name":"product.viewed","unit":"1","gauge":{"dataPoints":[`...)
	dst = joined(dst, all, func(dst []byte, e event) []byte {
		return fmt.Appendf(dst, `{"timeUnixNano":"%d","asDouble":%.2f,`+attributesJSON+`}`, e.nanos(), e.price, e.user, e.url, e.sku, e.price)
	})
	return append(dst, `]}}]}]}]}`...)
}

func spans(dst []byte, _ string, all []event) []byte {
	var ended []*tracesv1.Span
	for _, e := range all {
		trace, span := e.span()
		ended = append(ended, &tracesv1.Span{TraceId: trace, SpanId: span, Name: "product viewed", Kind: 2, StartTimeUnixNano: e.nanos(), EndTimeUnixNano: e.nanos() + 1_000_000, Attributes: e.attributes()})
	}
	return marshal(dst, &tracesv1.TracesData{ResourceSpans: []*tracesv1.ResourceSpans{{Resource: resource, ScopeSpans: []*tracesv1.ScopeSpans{{Spans: ended}}}}})
}

func spansJSON(dst []byte, _ string, all []event) []byte {
	dst = append(dst, `{"resourceSpans":[{`+resourceJSON+`,"scopeSpans":[{"spans":[`...)
	dst = joined(dst, all, func(dst []byte, e event) []byte {
		trace, span := e.span()
		return fmt.Appendf(dst, `{"traceId":"%x","spanId":"%x","name":"product viewed","kind":2,"startTimeUnixNano":"%d","endTimeUnixNano":"%d",`+attributesJSON+`}`, trace, span, e.nanos(), e.nanos()+1_000_000, e.user, e.url, e.sku, e.price)
	})
	return append(dst, `]}]}]}`...)
}

func samples(dst []byte, _ string, all []event) []byte {
	r := &writev2.Request{Symbols: []string{"", "__name__", "products_viewed_total", "user", "url", "sku", "id"}}
	for _, e := range all {
		at := uint32(len(r.Symbols)) // #nosec G115 -- a few hundred
		r.Symbols = append(r.Symbols, e.id, e.sku, e.url, e.user)
		r.Timeseries = append(r.Timeseries, &writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 6, at, 5, at + 1, 4, at + 2, 3, at + 3}, Samples: []*writev2.Sample{{Value: e.price, Timestamp: e.at.UnixMilli()}}})
	}
	data, err := r.MarshalVT()
	if err != nil {
		panic(err) // texts that are UTF-8
	}
	return append(dst, snappy.Encode(nil, data)...)
}
