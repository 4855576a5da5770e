package partial

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"

	"github.com/cespare/xxhash/v2"
)

// days is what is known of a shape whose buckets are days or narrower, and whose
// measures cannot be merged: the finished rows of each local day.
type days map[int64]day

// day is the answer over a local day's rows. It holds for as long as the same segments
// meet the day.
type day struct {
	signature uint64 // of the segments
	rows      [][]query.Value
}

// maxRuns is how many ranges of days are asked one by one; past it they are asked as
// one, with the days between.
const maxRuns = 4

// dailyOf returns the local days that a plan's buckets lie in.
func dailyOf(p query.AggregatePlan) (calendar.Buckets, bool) {
	if p.Bucket == nil || !p.Rowwise() {
		return calendar.Buckets{}, false
	}
	if _, clock := p.Bucket.Grain.Clock(); !clock && p.Bucket.Grain != calendar.Day {
		return calendar.Buckets{}, false
	}
	zone, err := time.LoadLocation(p.Bucket.Zone)
	return calendar.Buckets{Grain: calendar.Day, Zone: zone}, err == nil
}

// slice is a local day of a question: what it holds, and whether that is known.
type slice struct {
	key   int64
	span  query.Range // as far as the question's range goes
	held  day
	fresh bool // held needs no asking
	keep  bool // nothing but whole segments' rows of the whole day are in it

	begins bool // the span has the day's beginning
	recent bool // it meets the newest day of segments
}

// daily answers a plan from the days that hold and from what is asked of the others.
func (e *Engine) daily(ctx context.Context, local calendar.Buckets, p query.AggregatePlan, over snapshot.Snapshot) (query.Result, error) {
	name := shapeOf(over, p)
	was, _ := e.days.Get(name)
	slices := slicesOf(local, p.Range, over, was)
	asked := p
	asked.Order, asked.Limit = keyOrder(p), query.MaxPartialRows
	var cost tally
	for _, run := range stale(slices) {
		result, err := e.stretch(ctx, asked, slices[run.from:run.to], over)
		if err != nil {
			return query.Result{}, err
		}
		if result.Stats.Truncated {
			return e.config.Inner.Run(ctx, p, over)
		}
		cost.add(result.Stats)
		fill(slices[run.from:run.to], local, result.Rows)
	}
	e.keepDays(name, was, slices)
	result := query.Result{Columns: p.Columns(), Version: over.Version, Stats: cost.Stats}
	var all [][]query.Value
	for _, s := range slices {
		all = append(all, s.held.rows...)
	}
	result.Rows, result.Stats.Truncated = query.Arrange(all, p.Order, p.Limit)
	result.Stats.SegmentsPruned = len(over.Segments) - result.Stats.Segments
	return result, nil
}

// stretch answers a plan over some days. Rows come to the recent ones soon and often, so
// that of them the values are kept, and not only the answer.
func (e *Engine) stretch(ctx context.Context, p query.AggregatePlan, some []slice, over snapshot.Snapshot) (query.Result, error) {
	p.Range = query.Range{From: some[0].span.From, To: some[len(some)-1].span.To}
	wider := p
	if some[0].begins { // segments are of days in UTC: none should be cut
		wider.Range.From -= ((p.Range.From % calendar.DayMicros) + calendar.DayMicros) % calendar.DayMicros
	}
	split, ok := wider.Split()
	if !some[0].recent || !ok || sealedRows(over, wider.Range) < e.config.Worth {
		return e.config.Inner.Run(ctx, p, over)
	}
	result, ok, err := e.apart(ctx, split, wider, over)
	if err == nil && !ok {
		return e.inFull(ctx, p, over, result.Stats)
	}
	return result, err
}

// keyOrder orders the rows of an answer by their keys.
func keyOrder(p query.AggregatePlan) []query.Sort {
	order := make([]query.Sort, 1+len(p.Dimensions))
	for i := range order {
		order[i].Column = i
	}
	return order
}

// slicesOf lists the local days that hold rows, in order.
func slicesOf(local calendar.Buckets, r query.Range, over snapshot.Snapshot, was days) []slice {
	signatures, tail := map[int64]*xxhash.Digest{}, map[int64]bool{}
	for _, ref := range over.Segments {
		for _, key := range keysOf(local, ref.Days) {
			digest := signatures[key]
			if digest == nil {
				digest = xxhash.New()
				signatures[key] = digest
			}
			sum := xxhash.Sum64String(ref.Key)
			_, _ = digest.Write(binary.LittleEndian.AppendUint64(nil, sum)) // never fails
		}
	}
	for _, key := range keysOf(local, tailDays(over.Tail)) {
		tail[key] = true
		if signatures[key] == nil {
			signatures[key] = xxhash.New()
		}
	}
	last := keysOf(local, []segment.Day{newest(over.Segments)})
	var out []slice
	for key, digest := range signatures {
		start := local.Start(key)
		whole := query.Range{From: start, To: local.Next(start)}
		s := slice{key: key, span: query.Range{From: max(whole.From, r.From), To: min(whole.To, r.To)}}
		if s.span.From >= s.span.To {
			continue
		}
		s.begins = s.span.From == whole.From
		s.keep = s.span == whole && !tail[key]
		s.held = was[key]
		s.fresh = s.keep && s.held.rows != nil && s.held.signature == digest.Sum64()
		if !s.fresh {
			s.held = day{signature: digest.Sum64(), rows: [][]query.Value{}}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b slice) int { return int(a.key - b.key) })
	for i := range out {
		out[i].recent = slices.Contains(last, out[i].key)
	}
	return out
}

// keysOf lists the local days that meet UTC days, each once.
func keysOf(local calendar.Buckets, utc []segment.Day) []int64 {
	var keys []int64
	for _, d := range utc {
		begin := int64(d) * calendar.DayMicros
		for key := local.Key(begin); key <= local.Key(begin+calendar.DayMicros-1); key++ {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// tailDays lists the UTC days of a tail's rows.
func tailDays(tail []snapshot.Part) []segment.Day {
	var all []segment.Day
	for _, part := range tail {
		last, seen := segment.Day(0), false
		for _, t := range part.Rows.Columns[rows.Time].Ints[:part.Rows.Len] {
			if d := segment.DayOf(t); !seen || d != last {
				last, seen = d, true
				all = append(all, d)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// run is a range of slices.
type run struct{ from, to int }

// stale returns the ranges of slices that must be asked.
func stale(all []slice) []run {
	var runs []run
	for i, s := range all {
		switch last := len(runs) - 1; {
		case s.fresh:
		case last >= 0 && runs[last].to == i && all[i-1].recent == s.recent:
			runs[last].to++
		default:
			runs = append(runs, run{i, i + 1})
		}
	}
	if n := len(runs); n > maxRuns {
		return []run{{runs[0].from, runs[n-1].to}}
	}
	return runs
}

// fill gives slices their rows. There may be rows of a day before.
func fill(all []slice, local calendar.Buckets, found [][]query.Value) {
	places := map[int64]int{}
	for i := range all {
		all[i].held.rows = [][]query.Value{}
		places[all[i].key] = i
	}
	for _, row := range found {
		if i, ok := places[local.Key(row[0].Int())]; ok {
			all[i].held.rows = append(all[i].held.rows, row)
		}
	}
}

// keepDays remembers the days of a question beside those of others of its shape.
func (e *Engine) keepDays(name shape, was days, all []slice) {
	next, size := make(days, len(was)), int64(0)
	for key, d := range was {
		next[key] = d
	}
	for _, s := range all {
		if s.keep {
			next[s.key] = s.held
		}
	}
	for _, d := range next {
		size += sizeOf(d.rows) + 64
	}
	e.days.Put(name, next, size)
}
