package duck

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// moment is the type of a field that holds any instant, in UTC microseconds, of the
// bucket that a row's time lies in. Where all rows of a file lie in one bucket it is
// the same for each, and their times, which cost more to decode than all else that is
// done with them, are not read.
const moment dataset.Type = "moment"

var momentField = query.Field{Name: dataset.ColumnTime, Type: moment}

// bucketsOf returns the buckets of time that a plan groups rows by; nil: none.
func bucketsOf(p query.Plan) (*calendar.Buckets, error) {
	var bucket *query.Bucket
	switch p := p.(type) {
	case query.AggregatePlan:
		bucket = p.Bucket
	case query.TrailPlan:
		bucket = p.Bucket
	}
	if bucket == nil {
		return nil, nil
	}
	b, err := bucketsIn(*bucket)
	return &b, err
}

func bucketsIn(b query.Bucket) (calendar.Buckets, error) {
	zone, err := time.LoadLocation(b.Zone)
	if err != nil {
		return calendar.Buckets{}, fmt.Errorf("plan: %w", err)
	}
	return calendar.Buckets{Grain: b.Grain, Zone: zone, WeekStart: b.WeekStart}, nil
}

// moment returns an instant of the bucket that all rows of a segment lie in, if it is
// one. Where clocks change meanwhile none is given: a day may come again.
func (s selection) moment(ref segment.Ref) (micros int64, ok bool) {
	if s.buckets == nil || ref.MinTime == math.MinInt64 { // a row has no time
		return 0, false
	}
	least, most := ref.MinTime, ref.MaxTime
	if s.buckets.Key(least) != s.buckets.Key(most) {
		return 0, false
	}
	return least, len(calendar.Spans(s.buckets.Zone, least, most)) == 1
}

// eachFile writes a number for each file of a scan, by the place of the file in its
// list. Of what is the same for a vector of rows DuckDB computes most functions once,
// but looks into lists, and takes branches, row by row: so the numbers are parts, all
// of one length, of a text.
func eachFile(numbers []int64) string {
	if len(slices.Compact(slices.Clone(numbers))) == 1 {
		return fmt.Sprintf("CAST(%d AS BIGINT)", numbers[0])
	}
	width := 0
	for _, n := range numbers {
		width = max(width, len(fmt.Sprint(n)))
	}
	var text strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&text, "%*d", width, n)
	}
	return fmt.Sprintf("CAST(substring(%s, CAST(file_index AS BIGINT) * %d + 1, %d) AS BIGINT)", sqltext.Literal(text.String()), width, width)
}
