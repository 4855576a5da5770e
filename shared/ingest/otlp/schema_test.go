package otlp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	logspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracespb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracesv1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

var kindOf = map[protoreflect.Kind]wire.Kind{
	protoreflect.MessageKind: wire.Message, protoreflect.StringKind: wire.Text, protoreflect.BytesKind: wire.Bytes,
	protoreflect.BoolKind: wire.Bool, protoreflect.EnumKind: wire.Varint, protoreflect.Int32Kind: wire.Varint, protoreflect.Int64Kind: wire.Varint,
	protoreflect.Uint32Kind: wire.Varint, protoreflect.Uint64Kind: wire.Varint, protoreflect.Sint32Kind: wire.Zigzag,
	protoreflect.Fixed64Kind: wire.Fixed64, protoreflect.Sfixed64Kind: wire.Fixed64, protoreflect.Fixed32Kind: wire.Fixed32, protoreflect.DoubleKind: wire.Double,
}

// schemaOf returns what the protocol's own description says of a message.
func schemaOf(m proto.Message) (s wire.Schema) {
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Name() == "key_strindex" || f.Name() == "string_value_strindex" {
			continue // of profiles alone
		}
		kind := kindOf[f.Kind()]
		switch f.Name() {
		case "trace_id", "span_id", "parent_span_id":
			kind = wire.ID
		}
		s = append(s, wire.Field{Number: f.Number(), Name: f.JSONName(), Kind: kind, Repeated: f.IsList()})
	}
	return s
}

func TestTheSchemasAreThoseOfTheProtocol(t *testing.T) {
	for _, c := range []struct {
		name string
		got  wire.Schema
		of   proto.Message
	}{
		{"logs", requests[Logs], &logspb.ExportLogsServiceRequest{}},
		{"metrics", requests[Metrics], &metricspb.ExportMetricsServiceRequest{}},
		{"traces", requests[Traces], &tracespb.ExportTraceServiceRequest{}},
		{"resource of logs", resources[Logs], &logsv1.ResourceLogs{}},
		{"resource of metrics", resources[Metrics], &metricsv1.ResourceMetrics{}},
		{"resource of spans", resources[Traces], &tracesv1.ResourceSpans{}},
		{"scope of logs", scopes[Logs], &logsv1.ScopeLogs{}},
		{"scope of metrics", scopes[Metrics], &metricsv1.ScopeMetrics{}},
		{"scope of spans", scopes[Traces], &tracesv1.ScopeSpans{}},
		{"resource", resource, &resourcev1.Resource{}},
		{"entity", entityRef, &commonv1.EntityRef{}},
		{"scope", scope, &commonv1.InstrumentationScope{}},
		{"key and value", keyValue, &commonv1.KeyValue{}},
		{"any value", anyValue, &commonv1.AnyValue{}},
		{"array", values, &commonv1.ArrayValue{}},
		{"list of keys and values", values, &commonv1.KeyValueList{}},
		{"log record", logRecord, &logsv1.LogRecord{}},
		{"span", span, &tracesv1.Span{}},
		{"event of a span", spanEvent, &tracesv1.Span_Event{}},
		{"link of a span", spanLink, &tracesv1.Span_Link{}},
		{"status of a span", spanStatus, &tracesv1.Status{}},
		{"metric", metric, &metricsv1.Metric{}},
		{"gauge", metricData[:1], &metricsv1.Gauge{}},
		{"sum", metricData, &metricsv1.Sum{}},
		{"histogram", metricData[:2], &metricsv1.Histogram{}},
		{"exponential histogram", metricData[:2], &metricsv1.ExponentialHistogram{}},
		{"summary", metricData[:1], &metricsv1.Summary{}},
		{"point", numberPoint, &metricsv1.NumberDataPoint{}},
		{"point of a histogram", histogramPoint, &metricsv1.HistogramDataPoint{}},
		{"point of an exponential histogram", exponentialPoint, &metricsv1.ExponentialHistogramDataPoint{}},
		{"buckets", buckets, &metricsv1.ExponentialHistogramDataPoint_Buckets{}},
		{"point of a summary", summaryPoint, &metricsv1.SummaryDataPoint{}},
		{"quantile", quantile, &metricsv1.SummaryDataPoint_ValueAtQuantile{}},
		{"exemplar", exemplar, &metricsv1.Exemplar{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			byNumber := map[int32]wire.Field{}
			for _, f := range c.got {
				byNumber[int32(f.Number)] = f
			}
			want := map[int32]wire.Field{}
			for _, f := range schemaOf(c.of) {
				want[int32(f.Number)] = f
			}
			if diff := cmp.Diff(want, byNumber); diff != "" {
				t.Error(diff)
			}
		})
	}
}
