package dataset

import (
	"cmp"
	"math"

	"github.com/tarnhq/tarn/shared/fault"
)

// MaxRetention is the longest retention that can be set, in days: a century.
const MaxRetention = 36_525

const microsOfDay = 24 * 60 * 60 * 1_000_000

// Horizon returns the earliest event time that is kept at a time, both in UTC
// microseconds: the beginning of a UTC day. Where everything is kept it is before every
// time there is.
func (s Settings) Horizon(now int64) int64 {
	if s.RetentionDays == nil {
		return math.MinInt64
	}
	today := now / microsOfDay
	if now%microsOfDay < 0 {
		today--
	}
	return (today - int64(*s.RetentionDays)) * microsOfDay
}

// checkRetention returns fault.Invalid unless a dataset of a kind may keep its rows for
// so many days; nil and 0: for ever.
func checkRetention(kind Kind, days *int) error {
	switch {
	case days == nil || *days == 0:
		return nil
	case kind != Events:
		return fault.New(fault.Invalid, "not_an_events_dataset", "retention goes by the time of events, and rows of a dataset of kind %s have none", kind).
			WithHint("load the table anew without the rows that are to go")
	case *days < 0 || *days > MaxRetention:
		return fault.New(fault.Invalid, "bad_retention", "%d is no number of days to keep events for", *days).
			WithHint("give 1 to %d, or 0 to keep them for ever", MaxRetention)
	}
	return nil
}

// settled returns the settings that follow when a dataset's become s: what s leaves out
// stays, and what ends something is not kept.
func (s Settings) settled(was Settings) Settings {
	s.Description = cmp.Or(s.Description, was.Description)
	s.OnConflict = cmp.Or(s.OnConflict, was.OnConflict, Quarantine)
	if s.TimeColumn = cmp.Or(s.TimeColumn, was.TimeColumn); s.TimeColumn == ColumnTime {
		s.TimeColumn = ""
	}
	if s.Fields == nil {
		s.Fields = was.Fields
	}
	if s.RetentionDays == nil {
		s.RetentionDays = was.RetentionDays
	} else if *s.RetentionDays == 0 {
		s.RetentionDays = nil
	}
	return s
}
