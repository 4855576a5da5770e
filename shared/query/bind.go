package query

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// Bind makes the plan of a request over a dataset of some kind and schema, or says
// with fault.Invalid what does not fit.
func Bind(r Request, kind dataset.Kind, schema dataset.Schema) (Plan, error) {
	b := binder{scope: scopeOf(kind, schema)}
	p := Plan{Range: Unbounded, Limit: r.Limit}
	if p.Limit == 0 {
		p.Limit = DefaultLimit
	}
	if r.Time != nil {
		if err := b.time(*r.Time, &p); err != nil {
			return Plan{}, err
		}
	}
	if err := b.dimensions(r.Dimensions, &p); err != nil {
		return Plan{}, err
	}
	if err := b.measures(r.Measures, &p); err != nil {
		return Plan{}, err
	}
	if r.Filter != nil {
		filter, err := b.filter("filter", *r.Filter)
		if err != nil {
			return Plan{}, err
		}
		p.Filter, p.Range = foldTimes(normalize(filter), p.Range)
	}
	if err := uniqueNames(p.Columns()); err != nil {
		return Plan{}, err
	}
	return p, b.order(r.Order, &p)
}

type binder struct{ scope scope }

func (b binder) time(t Time, p *Plan) error {
	field, err := b.scope.field("time", dataset.ColumnTime)
	if err != nil {
		return err
	}
	if field.Type != dataset.Time {
		return refuse("time", "the dataset's column \"time\" is %s", field.Type).WithHint("a time range needs a column \"time\" of type time")
	}
	if t.From != "" {
		if p.Range.From, _, err = parseMicros("time.from", t.From); err != nil {
			return err
		}
	}
	if t.To != "" {
		if p.Range.To, _, err = parseMicros("time.to", t.To); err != nil {
			return err
		}
	}
	if p.Range.From > p.Range.To {
		return refuse("time", "from is after to").WithHint("the range is [from, to): from is in it, to is not")
	}
	zone, err := LoadZone(t.Zone)
	if err != nil || t.Grain == "" {
		return err
	}
	p.Bucket = &Bucket{Grain: t.Grain, Zone: zone.String()}
	if t.Grain == calendar.Week {
		p.Bucket.WeekStart = time.Monday
		if t.WeekStart != "" {
			p.Bucket.WeekStart = time.Weekday(slices.Index(weekdays, t.WeekStart))
		}
	}
	return nil
}

// LoadZone returns the zone of an IANA name; of none, UTC.
func LoadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || strings.HasPrefix(name, "/") {
		return nil, refuse("time.zone", "%.80q is not a time zone", name).WithHint("give an IANA name such as UTC, Europe/Zurich or America/New_York")
	}
	return zone, nil
}

// parseMicros reads an RFC 3339 time. What lies between two microseconds is taken
// for the later one, so that a half-open range leaves in and out what it says;
// exact tells that it does not.
func parseMicros(path, text string) (micros int64, exact bool, err error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, false, refuse(path, "%.80q is not an RFC 3339 time", text).WithHint("write 2026-01-31T00:00:00Z or 2026-01-31T00:00:00+01:00")
	}
	micros = t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		return micros + 1, false, nil
	}
	return micros, true, nil
}

func (b binder) dimensions(list []Dimension, p *Plan) error {
	for i, d := range list {
		path := "dimensions[" + strconv.Itoa(i) + "]"
		field, err := b.scope.field(path, d.Column)
		if err != nil {
			return err
		}
		name := d.Name
		if name == "" {
			name = d.Column
		}
		p.Dimensions = append(p.Dimensions, Group{Name: name, Field: field})
	}
	return nil
}

func (b binder) measures(list []Measure, p *Plan) error {
	if len(list) == 0 {
		return refuse("measures", "there are none").WithHint(`ask for at least one: "measures": ["count"]`)
	}
	for i, m := range list {
		bound, err := b.measure("measures["+strconv.Itoa(i)+"]", m)
		if err != nil {
			return err
		}
		p.Measures = append(p.Measures, bound)
	}
	return nil
}

func (b binder) measure(path string, m Measure) (Aggregand, error) {
	out := Aggregand{Name: m.Name, Op: m.Op, Q: m.Q}
	switch {
	case m.Column != "":
		field, err := b.scope.field(path, m.Column)
		if err != nil {
			return out, err
		}
		if err := suits(path, m.Op, field); err != nil {
			return out, err
		}
		out.Field = &field
	case m.Op != Count:
		return out, refuse(path, "%s needs a column", m.Op).WithHint(`such as {"op": "%s", "column": "user_id"}`, m.Op)
	}
	if out.Name == "" {
		out.Name = defaultName(m)
	}
	if m.Op == Median {
		out.Op, out.Q = Quantile, 0.5
	}
	if m.Filter != nil {
		filter, err := b.filter(path+".filter", *m.Filter)
		if err != nil {
			return out, err
		}
		filter = normalize(filter)
		out.Filter = &filter
	}
	return out, nil
}

func defaultName(m Measure) string {
	if m.Column == "" {
		return string(m.Op)
	}
	return string(m.Op) + "_" + m.Column
}

// suits returns nil when an op can be computed of a field.
func suits(path string, op Op, f Field) error {
	ok := true
	switch op {
	case Sum, Avg, Median, Quantile:
		ok = f.Type == dataset.Int || f.Type == dataset.Float
	case Min, Max:
		ok = f.Type != dataset.JSON
	}
	if ok {
		return nil
	}
	hint := "use count or count_distinct, or a column of numbers"
	if f.Type == dataset.Text {
		hint = "the column is text because a value that is not a number came in; use min, max, count or count_distinct, or send numbers under another name"
	}
	return refuse(path, "%s needs numbers, and column %q is %s", op, f.Name, f.Type).WithHint("%s", hint)
}

func uniqueNames(columns []Column) error {
	seen := map[string]bool{}
	for _, c := range columns {
		if seen[c.Name] {
			return refuse("", "the answer would have two columns %q", c.Name).WithHint(`name one of them: {"name": "…", …}`)
		}
		seen[c.Name] = true
	}
	return nil
}

// order sorts by what was asked, then by the bucket and the dimensions, which
// together tell any two rows apart.
func (b binder) order(list []Order, p *Plan) error {
	columns := p.Columns()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	seen := map[int]bool{}
	for i, o := range list {
		at := slices.Index(names, o.By)
		if at < 0 {
			return refuse("order["+strconv.Itoa(i)+"].by", "the answer has no column %.80q", o.By).WithHint("%s", suggest(o.By, names, "columns"))
		}
		if !seen[at] {
			p.Order = append(p.Order, Sort{at, o.Desc})
			seen[at] = true
		}
	}
	for at := range len(columns) - len(p.Measures) {
		if !seen[at] {
			p.Order = append(p.Order, Sort{Column: at})
		}
	}
	return nil
}
