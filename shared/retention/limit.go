package retention

import (
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/segment"
)

// limit tells what has expired: what is before these times, in UTC microseconds.
type limit struct {
	time       int64 // of rows by event time, of copies and marks by arrival
	quarantine int64 // by arrival
}

// limitAt returns the limit at a time. Quarantined events go a day later than they may be
// sent again for the last time: whoever is at it then has long ended when they go.
func limitAt(s dataset.Settings, now time.Time) limit {
	return limit{s.Horizon(now.UnixMicro()), s.Horizon(now.AddDate(0, 0, -1).UnixMicro())}
}

// how much of a segment has expired.
type expired int

const (
	none expired = iota
	some
	all
)

// of tells how much of a segment has expired. Of quarantine it is all or none: a replay
// that broke off must find its segment again.
func (l limit) of(ref segment.Ref) expired {
	switch {
	case ref.Table:
		return none
	case ref.Kind == segment.Quarantine:
		if ref.MaxReceived < l.quarantine {
			return all
		}
		return none
	case ref.Kind == segment.Rows:
		return between(ref.MinTime, ref.MaxTime, l.time)
	}
	return between(ref.MinReceived, ref.MaxReceived, l.time)
}

func between(least, most, limit int64) expired {
	switch {
	case most < limit:
		return all
	case least < limit:
		return some
	}
	return none
}
