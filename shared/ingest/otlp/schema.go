package otlp

import "github.com/tarnhq/tarn/shared/ingest/internal/wire"

// The messages of OTLP 1.11, by the numbers of their fields.
var (
	requests = [...]wire.Schema{
		Logs:    {{Number: 1, Name: "resourceLogs", Repeated: true}},
		Metrics: {{Number: 1, Name: "resourceMetrics", Repeated: true}},
		Traces:  {{Number: 1, Name: "resourceSpans", Repeated: true}},
	}
	resources = [...]wire.Schema{
		Logs:    {{Number: 1, Name: "resource"}, {Number: 2, Name: "scopeLogs", Repeated: true}, {Number: 3, Name: "schemaUrl", Kind: wire.Text}},
		Metrics: {{Number: 1, Name: "resource"}, {Number: 2, Name: "scopeMetrics", Repeated: true}, {Number: 3, Name: "schemaUrl", Kind: wire.Text}},
		Traces:  {{Number: 1, Name: "resource"}, {Number: 2, Name: "scopeSpans", Repeated: true}, {Number: 3, Name: "schemaUrl", Kind: wire.Text}},
	}
	scopes = [...]wire.Schema{
		Logs:    {{Number: 1, Name: "scope"}, {Number: 2, Name: "logRecords", Repeated: true}, {Number: 3, Name: "schemaUrl", Kind: wire.Text}},
		Metrics: {{Number: 1, Name: "scope"}, {Number: 2, Name: "metrics", Repeated: true}, {Number: 3, Name: "schemaUrl", Kind: wire.Text}},
		Traces:  {{Number: 1, Name: "scope"}, {Number: 2, Name: "spans", Repeated: true}, {Number: 3, Name: "schemaUrl", Kind: wire.Text}},
	}

	resource = wire.Schema{
		{Number: 1, Name: "attributes", Repeated: true},
		{Number: 2, Name: "droppedAttributesCount", Kind: wire.Varint},
		{Number: 3, Name: "entityRefs", Repeated: true},
	}
	entityRef = wire.Schema{
		{Number: 1, Name: "schemaUrl", Kind: wire.Text},
		{Number: 2, Name: "type", Kind: wire.Text},
		{Number: 3, Name: "idKeys", Kind: wire.Text, Repeated: true},
		{Number: 4, Name: "descriptionKeys", Kind: wire.Text, Repeated: true},
	}
	scope = wire.Schema{
		{Number: 1, Name: "name", Kind: wire.Text},
		{Number: 2, Name: "version", Kind: wire.Text},
		{Number: 3, Name: "attributes", Repeated: true},
		{Number: 4, Name: "droppedAttributesCount", Kind: wire.Varint},
	}

	keyValue = wire.Schema{{Number: 1, Name: "key", Kind: wire.Text}, {Number: 2, Name: "value"}}
	anyValue = wire.Schema{
		{Number: 1, Name: "stringValue", Kind: wire.Text},
		{Number: 2, Name: "boolValue", Kind: wire.Bool},
		{Number: 3, Name: "intValue", Kind: wire.Varint},
		{Number: 4, Name: "doubleValue", Kind: wire.Double},
		{Number: 5, Name: "arrayValue"},
		{Number: 6, Name: "kvlistValue"},
		{Number: 7, Name: "bytesValue", Kind: wire.Bytes},
	}
	values = wire.Schema{{Number: 1, Name: "values", Repeated: true}} // of an array, and of a list of keys and values

	logRecord = wire.Schema{
		{Number: 1, Name: "timeUnixNano", Kind: wire.Fixed64},
		{Number: 2, Name: "severityNumber", Kind: wire.Varint},
		{Number: 3, Name: "severityText", Kind: wire.Text},
		{Number: 5, Name: "body"},
		{Number: 6, Name: "attributes", Repeated: true},
		{Number: 7, Name: "droppedAttributesCount", Kind: wire.Varint},
		{Number: 8, Name: "flags", Kind: wire.Fixed32},
		{Number: 9, Name: "traceId", Kind: wire.ID},
		{Number: 10, Name: "spanId", Kind: wire.ID},
		{Number: 11, Name: "observedTimeUnixNano", Kind: wire.Fixed64},
		{Number: 12, Name: "eventName", Kind: wire.Text},
	}

	span = wire.Schema{
		{Number: 1, Name: "traceId", Kind: wire.ID},
		{Number: 2, Name: "spanId", Kind: wire.ID},
		{Number: 3, Name: "traceState", Kind: wire.Text},
		{Number: 4, Name: "parentSpanId", Kind: wire.ID},
		{Number: 5, Name: "name", Kind: wire.Text},
		{Number: 6, Name: "kind", Kind: wire.Varint},
		{Number: 7, Name: "startTimeUnixNano", Kind: wire.Fixed64},
		{Number: 8, Name: "endTimeUnixNano", Kind: wire.Fixed64},
		{Number: 9, Name: "attributes", Repeated: true},
		{Number: 10, Name: "droppedAttributesCount", Kind: wire.Varint},
		{Number: 11, Name: "events", Repeated: true},
		{Number: 12, Name: "droppedEventsCount", Kind: wire.Varint},
		{Number: 13, Name: "links", Repeated: true},
		{Number: 14, Name: "droppedLinksCount", Kind: wire.Varint},
		{Number: 15, Name: "status"},
		{Number: 16, Name: "flags", Kind: wire.Fixed32},
	}
	spanEvent = wire.Schema{
		{Number: 1, Name: "timeUnixNano", Kind: wire.Fixed64},
		{Number: 2, Name: "name", Kind: wire.Text},
		{Number: 3, Name: "attributes", Repeated: true},
		{Number: 4, Name: "droppedAttributesCount", Kind: wire.Varint},
	}
	spanLink = wire.Schema{
		{Number: 1, Name: "traceId", Kind: wire.ID},
		{Number: 2, Name: "spanId", Kind: wire.ID},
		{Number: 3, Name: "traceState", Kind: wire.Text},
		{Number: 4, Name: "attributes", Repeated: true},
		{Number: 5, Name: "droppedAttributesCount", Kind: wire.Varint},
		{Number: 6, Name: "flags", Kind: wire.Fixed32},
	}
	spanStatus = wire.Schema{{Number: 2, Name: "message", Kind: wire.Text}, {Number: 3, Name: "code", Kind: wire.Varint}}

	metric = wire.Schema{
		{Number: 1, Name: "name", Kind: wire.Text},
		{Number: 2, Name: "description", Kind: wire.Text},
		{Number: 3, Name: "unit", Kind: wire.Text},
		{Number: 5, Name: "gauge"},
		{Number: 7, Name: "sum"},
		{Number: 9, Name: "histogram"},
		{Number: 10, Name: "exponentialHistogram"},
		{Number: 11, Name: "summary"},
		{Number: 12, Name: "metadata", Repeated: true},
	}
	metricData = wire.Schema{ // of each kind, which have these three or fewer
		{Number: 1, Name: "dataPoints", Repeated: true},
		{Number: 2, Name: "aggregationTemporality", Kind: wire.Varint},
		{Number: 3, Name: "isMonotonic", Kind: wire.Bool},
	}
	numberPoint = wire.Schema{
		{Number: 2, Name: "startTimeUnixNano", Kind: wire.Fixed64},
		{Number: 3, Name: "timeUnixNano", Kind: wire.Fixed64},
		{Number: 4, Name: "asDouble", Kind: wire.Double},
		{Number: 5, Name: "exemplars", Repeated: true},
		{Number: 6, Name: "asInt", Kind: wire.Fixed64},
		{Number: 7, Name: "attributes", Repeated: true},
		{Number: 8, Name: "flags", Kind: wire.Varint},
	}
	histogramPoint = wire.Schema{
		{Number: 2, Name: "startTimeUnixNano", Kind: wire.Fixed64},
		{Number: 3, Name: "timeUnixNano", Kind: wire.Fixed64},
		{Number: 4, Name: "count", Kind: wire.Fixed64},
		{Number: 5, Name: "sum", Kind: wire.Double},
		{Number: 6, Name: "bucketCounts", Kind: wire.Fixed64, Repeated: true},
		{Number: 7, Name: "explicitBounds", Kind: wire.Double, Repeated: true},
		{Number: 8, Name: "exemplars", Repeated: true},
		{Number: 9, Name: "attributes", Repeated: true},
		{Number: 10, Name: "flags", Kind: wire.Varint},
		{Number: 11, Name: "min", Kind: wire.Double},
		{Number: 12, Name: "max", Kind: wire.Double},
	}
	exponentialPoint = wire.Schema{
		{Number: 1, Name: "attributes", Repeated: true},
		{Number: 2, Name: "startTimeUnixNano", Kind: wire.Fixed64},
		{Number: 3, Name: "timeUnixNano", Kind: wire.Fixed64},
		{Number: 4, Name: "count", Kind: wire.Fixed64},
		{Number: 5, Name: "sum", Kind: wire.Double},
		{Number: 6, Name: "scale", Kind: wire.Zigzag},
		{Number: 7, Name: "zeroCount", Kind: wire.Fixed64},
		{Number: 8, Name: "positive"},
		{Number: 9, Name: "negative"},
		{Number: 10, Name: "flags", Kind: wire.Varint},
		{Number: 11, Name: "exemplars", Repeated: true},
		{Number: 12, Name: "min", Kind: wire.Double},
		{Number: 13, Name: "max", Kind: wire.Double},
		{Number: 14, Name: "zeroThreshold", Kind: wire.Double},
	}
	buckets = wire.Schema{
		{Number: 1, Name: "offset", Kind: wire.Zigzag},
		{Number: 2, Name: "bucketCounts", Kind: wire.Varint, Repeated: true},
	}
	summaryPoint = wire.Schema{
		{Number: 2, Name: "startTimeUnixNano", Kind: wire.Fixed64},
		{Number: 3, Name: "timeUnixNano", Kind: wire.Fixed64},
		{Number: 4, Name: "count", Kind: wire.Fixed64},
		{Number: 5, Name: "sum", Kind: wire.Double},
		{Number: 6, Name: "quantileValues", Repeated: true},
		{Number: 7, Name: "attributes", Repeated: true},
		{Number: 8, Name: "flags", Kind: wire.Varint},
	}
	quantile = wire.Schema{{Number: 1, Name: "quantile", Kind: wire.Double}, {Number: 2, Name: "value", Kind: wire.Double}}
	exemplar = wire.Schema{
		{Number: 2, Name: "timeUnixNano", Kind: wire.Fixed64},
		{Number: 3, Name: "asDouble", Kind: wire.Double},
		{Number: 4, Name: "spanId", Kind: wire.ID},
		{Number: 5, Name: "traceId", Kind: wire.ID},
		{Number: 6, Name: "asInt", Kind: wire.Fixed64},
		{Number: 7, Name: "filteredAttributes", Repeated: true},
	}
)
