package remotewrite

import "github.com/tarnhq/tarn/shared/ingest/internal/wire"

// The messages of Prometheus' remote write, by the numbers of their fields: version 2 is
// io.prometheus.write.v2.Request, version 1 prometheus.WriteRequest.
var (
	requestV2 = wire.Schema{{Number: 4, Name: "symbols", Kind: wire.Text, Repeated: true}, {Number: 5, Name: "timeseries", Repeated: true}}
	seriesV2  = wire.Schema{
		{Number: 1, Name: "labelsRefs", Kind: wire.Varint, Repeated: true},
		{Number: 2, Name: "samples", Repeated: true},
		{Number: 3, Name: "histograms", Repeated: true},
		{Number: 4, Name: "exemplars", Repeated: true},
		{Number: 5, Name: "metadata"},
		{Number: 6, Name: "createdTimestamp", Kind: wire.Varint},
	}
	exemplarV2 = wire.Schema{
		{Number: 1, Name: "labelsRefs", Kind: wire.Varint, Repeated: true},
		{Number: 2, Name: "value", Kind: wire.Double},
		{Number: 3, Name: "timestamp", Kind: wire.Varint},
	}
	metadataV2 = wire.Schema{
		{Number: 1, Name: "type", Kind: wire.Varint},
		{Number: 3, Name: "helpRef", Kind: wire.Varint},
		{Number: 4, Name: "unitRef", Kind: wire.Varint},
	}

	requestV1 = wire.Schema{{Number: 1, Name: "timeseries", Repeated: true}, {Number: 3, Name: "metadata", Repeated: true}}
	seriesV1  = wire.Schema{
		{Number: 1, Name: "labels", Repeated: true},
		{Number: 2, Name: "samples", Repeated: true},
		{Number: 3, Name: "exemplars", Repeated: true},
		{Number: 4, Name: "histograms", Repeated: true},
	}
	label      = wire.Schema{{Number: 1, Name: "name", Kind: wire.Text}, {Number: 2, Name: "value", Kind: wire.Text}}
	exemplarV1 = wire.Schema{
		{Number: 1, Name: "labels", Repeated: true},
		{Number: 2, Name: "value", Kind: wire.Double},
		{Number: 3, Name: "timestamp", Kind: wire.Varint},
	}
	metadataV1 = wire.Schema{
		{Number: 1, Name: "type", Kind: wire.Varint},
		{Number: 2, Name: "metricFamilyName", Kind: wire.Text},
		{Number: 4, Name: "help", Kind: wire.Text},
		{Number: 5, Name: "unit", Kind: wire.Text},
	}

	// Of both versions. Later revisions of version 2 say in each sample and histogram when
	// its series began.
	sample = wire.Schema{
		{Number: 1, Name: "value", Kind: wire.Double},
		{Number: 2, Name: "timestamp", Kind: wire.Varint},
		{Number: 3, Name: "startTimestamp", Kind: wire.Varint},
	}
	histogram = wire.Schema{
		{Number: 1, Name: "countInt", Kind: wire.Varint},
		{Number: 2, Name: "countFloat", Kind: wire.Double},
		{Number: 3, Name: "sum", Kind: wire.Double},
		{Number: 4, Name: "schema", Kind: wire.Zigzag},
		{Number: 5, Name: "zeroThreshold", Kind: wire.Double},
		{Number: 6, Name: "zeroCountInt", Kind: wire.Varint},
		{Number: 7, Name: "zeroCountFloat", Kind: wire.Double},
		{Number: 8, Name: "negativeSpans", Repeated: true},
		{Number: 9, Name: "negativeDeltas", Kind: wire.Zigzag, Repeated: true},
		{Number: 10, Name: "negativeCounts", Kind: wire.Double, Repeated: true},
		{Number: 11, Name: "positiveSpans", Repeated: true},
		{Number: 12, Name: "positiveDeltas", Kind: wire.Zigzag, Repeated: true},
		{Number: 13, Name: "positiveCounts", Kind: wire.Double, Repeated: true},
		{Number: 14, Name: "resetHint", Kind: wire.Varint},
		{Number: 15, Name: "timestamp", Kind: wire.Varint},
		{Number: 16, Name: "customValues", Kind: wire.Double, Repeated: true},
		{Number: 17, Name: "startTimestamp", Kind: wire.Varint},
	}
	bucketSpan = wire.Schema{{Number: 1, Name: "offset", Kind: wire.Zigzag}, {Number: 2, Name: "length", Kind: wire.Varint}}
)
