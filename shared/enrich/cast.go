package enrich

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
)

// casts turn a value that is not null into a type. They report false where that cannot be
// done exactly.
var casts = map[Type]func(*events.Value) (events.Value, bool){
	Int: toInt, Float: toFloat, Bool: toBool, Text: toText, Time: toTime,
}

func toInt(v *events.Value) (events.Value, bool) {
	switch v.Kind {
	case events.Int:
		return *v, true
	case events.Float:
		whole := v.Float >= -1<<63 && v.Float < 1<<63 && v.Float == math.Trunc(v.Float)
		return events.Value{Kind: events.Int, Int: int64(v.Float)}, whole
	case events.Text:
		i, err := strconv.ParseInt(v.Text, 10, 64)
		return events.Value{Kind: events.Int, Int: i}, err == nil
	}
	return events.Value{}, false
}

func toFloat(v *events.Value) (events.Value, bool) {
	switch v.Kind {
	case events.Float:
		return *v, true
	case events.Int:
		return events.Value{Kind: events.Float, Float: float64(v.Int)}, dataset.ExactFloat(v.Int)
	case events.Text:
		if strings.Trim(v.Text, "+-.0123456789eE") != "" { // no names of infinity, hexadecimal digits and underscores
			return events.Value{}, false
		}
		f, err := strconv.ParseFloat(v.Text, 64)
		return events.Value{Kind: events.Float, Float: f}, err == nil
	}
	return events.Value{}, false
}

func toBool(v *events.Value) (events.Value, bool) {
	switch {
	case v.Kind == events.Bool:
		return *v, true
	case v.Kind == events.Int && (v.Int == 0 || v.Int == 1):
		return events.Value{Kind: events.Bool, Int: v.Int}, true
	case v.Kind == events.Text && strings.EqualFold(v.Text, "true"):
		return events.Value{Kind: events.Bool, Int: 1}, true
	case v.Kind == events.Text && strings.EqualFold(v.Text, "false"):
		return events.Value{Kind: events.Bool}, true
	}
	return events.Value{}, false
}

func toText(v *events.Value) (events.Value, bool) {
	return events.Value{Kind: events.Text, Text: textOf(v)}, true
}

// toTime writes a time in UTC and in microseconds, as a column of times holds it.
func toTime(v *events.Value) (events.Value, bool) {
	if v.Kind != events.Text {
		return events.Value{}, false
	}
	t, err := time.Parse(time.RFC3339, v.Text)
	return events.Value{Kind: events.Text, Text: dataset.FormatTime(t.UnixMicro())}, err == nil
}

// textOf returns a value that is not null as a column of texts holds it.
func textOf(v *events.Value) string {
	switch v.Kind {
	case events.Bool:
		return strconv.FormatBool(v.Int != 0)
	case events.Int:
		return strconv.FormatInt(v.Int, 10)
	case events.Float:
		return dataset.FormatFloat(v.Float)
	}
	return v.Text
}
