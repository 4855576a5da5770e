package cube

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// Question is a Query with the request that answers it.
type Question struct {
	Query   Query // with ranges of dates, order and limit as they are understood
	Request query.Request

	cube  Cube
	zone  *time.Location
	grain *TimeDimension // the one to group by
	keys  []dimension
	sums  []measure // none: the request counts rows, and nobody sees it
	limit int
}

// defaultLimit is what Cube gives a query without a limit.
const defaultLimit = 10_000

// Ask translates a query of a cube.
func (c Cube) Ask(q Query, now time.Time) (Question, error) {
	q = q.whole()
	zone, err := query.LoadZone(q.Timezone)
	if err != nil {
		return Question{}, err
	}
	out := Question{Query: q, Request: query.Request{Dataset: c.Name}, cube: c, zone: zone}
	for _, step := range []func() error{out.measures, out.dimensions, func() error { return out.times(newClock(now, zone)) },
		func() error { return out.filters(newClock(now, zone)) }, out.order, out.bound} {
		if err := step(); err != nil {
			return out, err
		}
	}
	return out, out.strict()
}

// strict puts the request through the checks that any request goes through.
func (q *Question) strict() error {
	text, err := json.Marshal(q.Request)
	if err != nil {
		return refuse("the query cannot be asked").Because(err)
	}
	q.Request, err = query.Decode(text)
	return err
}

func (q *Question) measures() error {
	for _, name := range q.Query.Measures {
		m, err := q.cube.measure(name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(q.sums, func(o measure) bool { return o.name == m.name }) {
			return refuse("%s is asked for twice", name)
		}
		q.sums = append(q.sums, m)
		q.Request.Measures = append(q.Request.Measures, m.request)
	}
	if len(q.sums) == 0 {
		q.Request.Measures = []query.Measure{{Op: query.Count}}
	}
	return nil
}

// dimensions are asked for by their members' names, which no measure has.
func (q *Question) dimensions() error {
	for i, name := range q.Query.Dimensions {
		d, err := q.cube.dimension(name)
		if err != nil {
			return err
		}
		if slices.Contains(q.Query.Dimensions[:i], name) {
			return refuse("%s is asked for twice", name)
		}
		q.keys = append(q.keys, d)
		q.Request.Dimensions = append(q.Request.Dimensions, query.Dimension{Column: d.name, Name: name})
	}
	return nil
}

// times groups by a time dimension and restricts them all.
func (q *Question) times(c clock) error {
	q.Query.TimeDimensions = slices.Clone(q.Query.TimeDimensions)
	for i := range q.Query.TimeDimensions {
		t := &q.Query.TimeDimensions[i]
		d, err := q.cube.dimension(t.Dimension)
		if err != nil {
			return err
		}
		if d.column.Type != dataset.Time {
			return refuse("%s is no time", t.Dimension).WithHint("%s is the time dimension", q.cube.member(dataset.ColumnTime))
		}
		if err := q.group(t, d); err != nil {
			return err
		}
		if len(t.DateRange) == 0 {
			continue
		}
		span, err := c.span(t.DateRange)
		if err != nil {
			return err
		}
		t.DateRange = span.texts()
		q.restrict(d, span)
	}
	return nil
}

func (q *Question) group(t *TimeDimension, d dimension) error {
	switch {
	case t.Granularity == "":
		return nil
	case d.column.Name != dataset.ColumnTime:
		return refuse("%s has no granularity", t.Dimension).WithHint("%s has", q.cube.member(dataset.ColumnTime))
	case q.grain != nil:
		return refuse("a query has one granularity, not several")
	case !slices.Contains(calendar.Grains, calendar.Grain(t.Granularity)):
		return refuse("%.40q is not a granularity", t.Granularity).WithHint("minute, hour, day, week, month, quarter or year")
	}
	q.grain = t
	time := q.time()
	time.Grain, time.Zone = calendar.Grain(t.Granularity), q.Query.Timezone
	return nil
}

func (q *Question) time() *query.Time {
	if q.Request.Time == nil {
		q.Request.Time = &query.Time{}
	}
	return q.Request.Time
}

// restrict keeps the rows of a range: by the request's own where that is free.
func (q *Question) restrict(d dimension, span interval) {
	if d.column.Name == dataset.ColumnTime && q.time().From == "" {
		q.Request.Time.From, q.Request.Time.To = instant(span.from), instant(span.to)
		return
	}
	q.where(within(d.column.Name, span))
}

func (q *Question) where(f query.Filter) {
	if q.Request.Filter == nil {
		q.Request.Filter = &query.Filter{}
	}
	q.Request.Filter.And = append(q.Request.Filter.And, f)
}

func (q *Question) having(f query.Filter) {
	if q.Request.Having == nil {
		q.Request.Having = &query.Filter{}
	}
	q.Request.Having.And = append(q.Request.Having.And, f)
}

// order sorts as asked; without that as Cube does: by time, or else by the first
// measure, the greatest first.
func (q *Question) order() error {
	if q.Query.Order == nil {
		switch {
		case q.grain != nil:
			q.Query.Order = Order{{ID: q.grain.Dimension}}
		case len(q.sums) > 0:
			q.Query.Order = Order{{ID: q.Query.Measures[0], Desc: true}}
		}
	}
	for _, s := range q.Query.Order {
		by, err := q.placeOf(s.ID)
		if err != nil {
			return err
		}
		q.Request.Order = append(q.Request.Order, query.Order{By: by, Desc: s.Desc})
	}
	return nil
}

// placeOf returns the column of the answer that a member is.
func (q *Question) placeOf(id string) (string, error) {
	switch at := slices.Index(q.Query.Measures, id); {
	case at >= 0:
		return q.sums[at].name, nil
	case q.grain != nil && (id == q.grain.Dimension || id == q.grain.Dimension+"."+q.grain.Granularity):
		return dataset.ColumnTime, nil
	case slices.Contains(q.Query.Dimensions, id):
		return id, nil
	}
	return "", refuse("the answer is ordered by %.80q, which it does not have", id).WithHint("order by a member that the query asks for")
}

// bound sets the limit: of all groups that there may be where those before an offset
// are left out here, or all are counted.
func (q *Question) bound() error {
	q.limit = defaultLimit
	for _, l := range []*int{q.Query.RowLimit, q.Query.Limit} {
		if l != nil {
			q.limit = *l
		}
	}
	if q.limit < 1 || q.limit > query.MaxLimit {
		return refuse("limit is from 1 to %d", query.MaxLimit)
	}
	q.Query.Limit, q.Query.RowLimit = &q.limit, &q.limit
	if q.Request.Limit = q.limit + q.Query.Offset; q.Request.Limit > query.MaxLimit {
		return refuse("offset and limit end after row %d", query.MaxLimit).WithHint("give a smaller limit, or filter")
	}
	if q.Query.Total {
		q.Request.Limit = query.MaxLimit
	}
	return nil
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
