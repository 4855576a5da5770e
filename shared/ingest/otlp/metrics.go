package otlp

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// metric reads a metric: an event "metric" for each of its points.
func (d *Decoder) metric() error {
	all, typ := d.in.Mark(), ""
	err := d.in.Each(metric, wire.All, func(n protowire.Number) error {
		switch n {
		case 1:
			d.text("name", d.in.Text)
		case 2:
			d.text("description", d.in.Text)
		case 3:
			d.text("unit", d.in.Text)
		case 12:
			return d.attribute("metadata.")
		default:
			typ = types[n]
			return d.about()
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.text("type", typ)
	slices.SortFunc(d.own[d.ownCount:], func(a, b telemetry.Property) int { return strings.Compare(a.Name, b.Name) }) // fields may come in any order, and the series is the same
	d.enter()
	d.in.Back(all)
	return d.in.Each(metric, wire.Only(5, 7, 9, 10, 11), func(n protowire.Number) error {
		return d.in.Each(metricData, wire.Only(1), func(protowire.Number) error {
			return d.within(func() error { return d.point(n) })
		})
	})
}

// types are the kinds of data, by their fields' numbers.
var types = [...]string{5: "gauge", 7: "sum", 9: "histogram", 10: "exponential_histogram", 11: "summary"}

var temporalities = [...]string{"", "delta", "cumulative"}

// about reads what data say of themselves.
func (d *Decoder) about() error {
	return d.in.Each(metricData, wire.Only(2, 3), func(n protowire.Number) error {
		if n == 2 {
			d.text("temporality", telemetry.Called(temporalities[:], d.in.Uint()))
		} else {
			d.add("monotonic", d.scalar(2))
		}
		return nil
	})
}

// point reads a point of data of a kind.
func (d *Decoder) point(kind protowire.Number) (err error) {
	var p point
	switch kind {
	case 9:
		err = d.in.Each(histogramPoint, wire.All, func(n protowire.Number) error { return d.histogram(&p, n) })
	case 10:
		err = d.in.Each(exponentialPoint, wire.All, func(n protowire.Number) error { return d.exponential(&p, n) })
	case 11:
		err = d.in.Each(summaryPoint, wire.All, func(n protowire.Number) error { return d.summary(&p, n) })
	default:
		err = d.in.Each(numberPoint, wire.All, func(n protowire.Number) error { return d.number(&p, n) })
	}
	if err != nil {
		return err
	}
	const stale = 1 // the flag by which a point says that its series has ended
	if p.flags&stale != 0 {
		d.add("stale", events.Value{Kind: events.Bool, Int: 1})
	}
	id := pending
	if p.at != 0 {
		id = d.series(p.at)
	}
	d.list("explicit_bounds", bounds)
	d.list("bucket_counts", counts)
	d.list("positive", positive)
	d.list("negative", negative)
	d.list("quantiles", quantiles)
	d.list("exemplars", exemplars)
	return d.event(id, "metric", p.at)
}

// point is what points of all kinds have.
type point struct{ at, flags uint64 }

func (d *Decoder) number(p *point, n protowire.Number) error {
	switch n {
	case 2:
		d.count("start_time_unix_nano")
	case 3:
		d.time(p)
	case 4:
		d.double("value")
	case 5:
		return d.spanPart(exemplars, exemplar, 7)
	case 6:
		d.int("value", d.in.Int())
	case 7:
		return d.attribute("")
	case 8:
		d.flags(p)
	}
	return nil
}

func (d *Decoder) histogram(p *point, n protowire.Number) error {
	switch n {
	case 2:
		d.count("start_time_unix_nano")
	case 3:
		d.time(p)
	case 4:
		d.add("count", wire.Unsigned(d.in.Uint()))
	case 5:
		d.double("sum")
	case 6:
		d.in.Lists[counts] = strconv.AppendUint(d.in.Item(counts), d.in.Uint(), 10)
	case 7:
		d.in.Lists[bounds] = wire.Number(d.in.Float()).AppendJSON(d.in.Item(bounds))
	case 8:
		return d.spanPart(exemplars, exemplar, 7)
	case 9:
		return d.attribute("")
	case 10:
		d.flags(p)
	case 11:
		d.double("min")
	case 12:
		d.double("max")
	}
	return nil
}

func (d *Decoder) exponential(p *point, n protowire.Number) error {
	switch n {
	case 1:
		return d.attribute("")
	case 2:
		d.count("start_time_unix_nano")
	case 3:
		d.time(p)
	case 4:
		d.add("count", wire.Unsigned(d.in.Uint()))
	case 5:
		d.double("sum")
	case 6:
		d.int("scale", d.in.Int())
	case 7:
		d.add("zero_count", wire.Unsigned(d.in.Uint()))
	case 8:
		return d.buckets("positive_offset", positive)
	case 9:
		return d.buckets("negative_offset", negative)
	case 10:
		d.flags(p)
	case 11:
		return d.spanPart(exemplars, exemplar, 7)
	case 12:
		d.double("min")
	case 13:
		d.double("max")
	case 14:
		d.double("zero_threshold")
	}
	return nil
}

func (d *Decoder) buckets(offset string, list int) error {
	return d.in.Each(buckets, wire.All, func(n protowire.Number) error {
		if n == 1 {
			d.int(offset, d.in.Int())
		} else {
			d.in.Lists[list] = strconv.AppendUint(d.in.Item(list), d.in.Uint(), 10)
		}
		return nil
	})
}

func (d *Decoder) summary(p *point, n protowire.Number) error {
	switch n {
	case 2:
		d.count("start_time_unix_nano")
	case 3:
		d.time(p)
	case 4:
		d.add("count", wire.Unsigned(d.in.Uint()))
	case 5:
		d.double("sum")
	case 6:
		return d.spanPart(quantiles, quantile, 0)
	case 7:
		return d.attribute("")
	case 8:
		d.flags(p)
	}
	return nil
}

func (d *Decoder) time(p *point) {
	p.at = d.in.Uint()
	d.count("time_unix_nano")
}

func (d *Decoder) flags(p *point) {
	p.flags = d.in.Uint()
	d.count("flags")
}

// series returns the id of the point of a series at a time: a digest of what the series
// says of itself, in the order in which its producer says it.
func (d *Decoder) series(at uint64) string {
	key := binary.BigEndian.AppendUint64(d.key[:0], at)
	for _, p := range d.own[:d.ownCount] { // of the resource, the scope and the metric
		key = appendIdentity(key, p)
	}
	key = append(key, 0xff)
	for _, p := range d.others {
		key = appendIdentity(key, p)
	}
	for _, s := range [...]subject{d.user, d.anonymous, d.session} {
		key = append(append(key, s.id...), 0)
	}
	d.key = key
	return d.in.Digest("", key)
}

func appendIdentity(dst []byte, p telemetry.Property) []byte {
	dst = append(append(dst, p.Name...), 0, byte(p.Value.Kind))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Value.Int)^math.Float64bits(p.Value.Float)) // #nosec G115 -- one of the two is 0
	return append(append(dst, p.Value.Text...), 0)
}
