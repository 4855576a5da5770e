package query

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// Bind makes the program of a request over what is seen of a dataset, with definitions,
// or says with fault.Invalid what does not fit.
func Bind(r Request, seen View, named Definitions) (Program, error) {
	b := newBinder(seen, named)
	bound, err := b.bind(r)
	return Program{Definitions: b.uses(), steps: bound}, err
}

func (b *binder) bind(r Request) (steps, error) {
	if r.Kind != Sessions && slices.ContainsFunc(r.Dimensions, func(d Dimension) bool { return d.At != "" }) {
		return nil, refuse("dimensions", "entry and exit are of sessions").WithHint("leave \"at\" out")
	}
	switch r.Kind {
	case Funnel:
		return b.funnel(r)
	case Retention:
		return b.retention(r)
	case Paths:
		return b.paths(r)
	case Sessions:
		return b.sessions(r)
	case Audience:
		return b.audience(r)
	}
	return b.aggregate(r)
}

type binder struct {
	scope scope
	rows  *Expr // that are seen; nil: all
	named Definitions
	used  map[string]int // versions of the definitions that were used, by name

	within     bool                // an audience
	attributes map[string][]string // of the caller; nil but for filters that restrict callers
}

func newBinder(seen View, named Definitions) *binder {
	return &binder{scope: scopeOf(seen), rows: seen.Rows, named: named, used: map[string]int{}}
}

func (b *binder) use(name string) (Definition, bool) {
	d, ok := b.named[name]
	if ok {
		b.used[name] = d.Version
	}
	return d, ok
}

func (b *binder) uses() []Used {
	var all []Used
	for _, name := range slices.Sorted(maps.Keys(b.used)) {
		all = append(all, Used{name, b.used[name]})
	}
	return all
}

// source binds which rows are looked at, and in which buckets.
func (b *binder) source(t *Time, f *Filter) (Rows, *Bucket, error) {
	out := Rows{Range: Unbounded}
	var bucket *Bucket
	if t != nil {
		var err error
		if out.Range, bucket, err = b.time(*t); err != nil {
			return out, nil, err
		}
	}
	if f != nil {
		filter, err := b.filter("filter", *f)
		if err != nil {
			return out, nil, err
		}
		out.Filter, out.Range = foldTimes(normalize(filter), out.Range)
	}
	if b.rows != nil { // not folded into the range, which a comparison with earlier moves
		out.Filter = both(out.Filter, *b.rows)
	}
	return out, bucket, nil
}

func (b *binder) time(t Time) (Range, *Bucket, error) {
	r := Unbounded
	if err := b.hasTime("time"); err != nil {
		return r, nil, err
	}
	var err error
	if t.From != "" {
		if r.From, _, err = parseMicros("time.from", t.From); err != nil {
			return r, nil, err
		}
	}
	if t.To != "" {
		if r.To, _, err = parseMicros("time.to", t.To); err != nil {
			return r, nil, err
		}
	}
	if r.From > r.To {
		return r, nil, refuse("time", "from is after to").WithHint("the range is [from, to): from is in it, to is not")
	}
	zone, err := LoadZone(t.Zone)
	switch {
	case err != nil:
		return r, nil, err
	case t.Grain == "" && t.Fill:
		return r, nil, refuse("time.fill", "needs a grain").WithHint(`{"grain": "day", "fill": true}`)
	case t.Grain == "":
		return r, nil, nil
	}
	bucket := &Bucket{Grain: t.Grain, Zone: zone.String()}
	if t.Grain == calendar.Week {
		bucket.WeekStart = time.Monday
		if t.WeekStart != "" {
			bucket.WeekStart = time.Weekday(slices.Index(weekdays, t.WeekStart))
		}
	}
	return r, bucket, nil
}

// hasTime refuses a dataset whose rows have no event time.
func (b *binder) hasTime(path string) error {
	field, err := b.scope.field(path, dataset.ColumnTime)
	if err != nil {
		return err
	}
	if field.Type != dataset.Time {
		return refuse(path, "the dataset's column \"time\" is %s", field.Type).WithHint("a time range needs a column \"time\" of type time")
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

func (b *binder) dimensions(list []Dimension) ([]Group, error) {
	var out []Group
	for i, d := range list {
		path := "dimensions[" + strconv.Itoa(i) + "]"
		name := d.Name
		if name == "" {
			name = d.Column
		}
		field, err := b.scope.field(path, b.column(d.Column))
		if err != nil {
			return nil, err
		}
		out = append(out, Group{Name: name, Field: field})
	}
	return out, nil
}

// column returns the column that a name stands for: its own, or that of the dimension
// which is defined under it.
func (b *binder) column(name string) string {
	if _, own := b.scope.columns[name]; own || b.named[name].Dimension == nil {
		return name
	}
	defined, _ := b.use(name)
	return defined.Dimension.Column
}

// measure binds a measure of rows.
func (b *binder) measure(path string, m Measure) (Aggregand, error) {
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
	if len(m.Of) > 0 {
		return string(m.Op) + "_" + m.Of[0]
	}
	if m.Column == "" {
		return string(m.Op)
	}
	return string(m.Op) + "_" + m.Column
}

// suits returns nil when an op can be computed of a field.
func suits(path string, op Op, f Field) error {
	ok := true
	switch op {
	case Sum, Avg, Median, Quantile, ApproxQuantile:
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

// orderBy sorts by what was asked, then by the first columns, which together tell any
// two rows apart.
func orderBy(list []Order, columns []Column, distinct int) ([]Sort, error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	out := []Sort{}
	seen := map[int]bool{}
	for i, o := range list {
		at := slices.Index(names, o.By)
		if at < 0 {
			return nil, refuse("order["+strconv.Itoa(i)+"].by", "the answer has no column %.80q", o.By).WithHint("%s", suggest(o.By, names, "columns"))
		}
		if !seen[at] {
			out = append(out, Sort{at, o.Desc})
			seen[at] = true
		}
	}
	for at := range distinct {
		if !seen[at] {
			out = append(out, Sort{Column: at})
		}
	}
	return out, nil
}
