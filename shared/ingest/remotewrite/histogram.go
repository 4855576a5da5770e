package remotewrite

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// lists are what a histogram has several of, each a property in JSON.
const (
	negativeSpans = iota
	negativeDeltas
	negativeCounts
	positiveSpans
	positiveDeltas
	positiveCounts
	customValues
	lists
)

var listNames = [lists]string{"negative_spans", "negative_deltas", "negative_counts", "positive_spans", "positive_deltas", "positive_counts", "custom_values"}

var hints = [...]string{"", "yes", "no", "gauge"}

// histogram reads a native histogram.
func (d *Decoder) histogram() error {
	var at, begun int64
	err := d.in.Each(histogram, wire.All, func(n protowire.Number) error {
		switch n {
		case 1:
			d.add("count", wire.Unsigned(d.in.Uint()))
		case 2:
			d.number("count")
		case 3:
			d.number("sum")
		case 4:
			d.add("schema", events.Value{Kind: events.Int, Int: d.in.Int()})
		case 5:
			d.number("zero_threshold")
		case 6:
			d.add("zero_count", wire.Unsigned(d.in.Uint()))
		case 7:
			d.number("zero_count")
		case 8:
			return d.span(negativeSpans)
		case 9:
			d.in.Lists[negativeDeltas] = strconv.AppendInt(d.in.Item(negativeDeltas), d.in.Int(), 10)
		case 10:
			d.in.Lists[negativeCounts] = wire.Number(d.in.Float()).AppendJSON(d.in.Item(negativeCounts))
		case 11:
			return d.span(positiveSpans)
		case 12:
			d.in.Lists[positiveDeltas] = strconv.AppendInt(d.in.Item(positiveDeltas), d.in.Int(), 10)
		case 13:
			d.in.Lists[positiveCounts] = wire.Number(d.in.Float()).AppendJSON(d.in.Item(positiveCounts))
		case 14:
			d.text("reset_hint", telemetry.Called(hints[:], d.in.Uint()))
		case 15:
			at = d.in.Int()
		case 16:
			d.in.Lists[customValues] = wire.Number(d.in.Float()).AppendJSON(d.in.Item(customValues))
		case 17:
			begun = d.in.Int()
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.began(begun)
	for i, name := range listNames {
		d.list(name, i)
	}
	return d.event("metric", kindHistogram, at, nil)
}

// span adds how many buckets are empty, and how many then follow.
func (d *Decoder) span(list int) error {
	var offset int64
	var length uint64
	err := d.in.Each(bucketSpan, wire.All, func(n protowire.Number) error {
		if n == 1 {
			offset = d.in.Int()
		} else {
			length = d.in.Uint()
		}
		return nil
	})
	dst := strconv.AppendInt(append(d.in.Item(list), '['), offset, 10)
	d.in.Lists[list] = append(strconv.AppendUint(append(dst, ','), length, 10), ']')
	return err
}

// list adds a list as a property, unless it is empty, and empties it.
func (d *Decoder) list(name string, list int) {
	if v, ok := d.in.List(list); ok {
		d.add(name, v)
	}
}
