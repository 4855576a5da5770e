package wire

import (
	"math"
	"strconv"

	"github.com/tarnhq/tarn/events"
)

// Number is a double as a value. One that JSON has no number for is the text by which
// protobuf's JSON form calls it.
func Number(f float64) events.Value {
	switch {
	case math.IsNaN(f):
		return events.Value{Kind: events.Text, Text: "NaN"}
	case math.IsInf(f, 1):
		return events.Value{Kind: events.Text, Text: "Infinity"}
	case math.IsInf(f, -1):
		return events.Value{Kind: events.Text, Text: "-Infinity"}
	}
	return events.Value{Kind: events.Float, Float: f}
}

// Unsigned is a number without a sign as a value.
func Unsigned(v uint64) events.Value {
	if v > math.MaxInt64 {
		return events.Value{Kind: events.Big, Text: strconv.FormatUint(v, 10)}
	}
	return events.Value{Kind: events.Int, Int: int64(v)} // #nosec G115 -- that was asked
}
