package enginetest

import (
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/rows"
)

// Answer computes a plan's answer the slow and obvious way: it looks at every row.
func Answer(p query.AggregatePlan, all rows.Batch) (out [][]query.Value, truncated bool) {
	groups := map[string]*group{}
	var ordered []*group
	if p.Bucket == nil && len(p.Dimensions) == 0 { // a total exists even of nothing
		groups[""] = &group{}
		ordered = append(ordered, groups[""])
	}
	for row := range all.Len {
		at := field(all, row, timeField)
		if !within(p.Range, at) || !holds(p.Filter, all, row) {
			continue
		}
		keys := keysOf(p, all, row, at)
		id := identity(keys)
		if groups[id] == nil {
			groups[id] = &group{keys: keys}
			ordered = append(ordered, groups[id])
		}
		groups[id].rows = append(groups[id].rows, row)
	}
	for _, g := range ordered {
		values := slices.Clone(g.keys)
		for _, m := range p.Measures {
			values = append(values, measure(m, all, g.rows))
		}
		out = append(out, values)
	}
	arrange(out, p)
	if len(out) > p.Limit {
		return out[:p.Limit], true
	}
	return out, false
}

var timeField = query.Field{Name: dataset.ColumnTime, Type: dataset.Time}

// within reports whether a time is in a range. Rows without one are in that of all
// time only.
func within(r query.Range, at query.Value) bool {
	if at.IsNull() {
		return r == query.Unbounded
	}
	return r.From <= at.Int() && at.Int() < r.To
}

type group struct {
	keys []query.Value
	rows []int
}

func keysOf(p query.AggregatePlan, all rows.Batch, row int, at query.Value) []query.Value {
	var keys []query.Value
	if p.Bucket != nil {
		keys = append(keys, bucket(*p.Bucket, at))
	}
	for _, d := range p.Dimensions {
		keys = append(keys, field(all, row, d.Field))
	}
	return keys
}

func bucket(b query.Bucket, at query.Value) query.Value {
	if at.IsNull() {
		return at
	}
	zone, err := time.LoadLocation(b.Zone)
	if err != nil {
		panic(err)
	}
	buckets := calendar.Buckets{Grain: b.Grain, Zone: zone, WeekStart: b.WeekStart}
	return query.TimeValue(buckets.Start(buckets.Key(at.Int())))
}

func identity(values []query.Value) string {
	var b strings.Builder
	for _, v := range values {
		b.Write(v.AppendJSON(nil))
		b.WriteByte(0)
	}
	return b.String()
}

// field returns a field of a row.
func field(all rows.Batch, row int, f query.Field) query.Value {
	name := f.Name
	if f.InJSON {
		name = dataset.ColumnProperties
	}
	at := slices.IndexFunc(all.Columns, func(c rows.Column) bool { return c.Name == name })
	if at < 0 || all.Columns[at].IsNull(row) {
		return query.Value{}
	}
	c := &all.Columns[at]
	switch {
	case f.InJSON:
		return property(c.Text(row), f.Name)
	case c.Type == dataset.Bool:
		return query.BoolValue(c.Ints[row] != 0)
	case c.Type == dataset.Int:
		return query.IntValue(c.Ints[row])
	case c.Type == dataset.Time:
		return query.TimeValue(c.Ints[row])
	case c.Type == dataset.Float:
		return query.FloatValue(c.Float[row])
	}
	return query.TextValue(string(c.Text(row)))
}

func property(object []byte, name string) query.Value {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		panic(err)
	}
	raw, ok := members[name]
	if !ok || string(raw) == "null" {
		return query.Value{}
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return query.TextValue(text)
	}
	return query.TextValue(string(raw))
}

// truth is SQL's: true, false or null.
type truth int8

const (
	no truth = iota - 1
	null
	yes
)

func holds(e *query.Expr, all rows.Batch, row int) bool {
	return e == nil || evaluate(*e, all, row) == yes
}

func evaluate(e query.Expr, all rows.Batch, row int) truth {
	switch e.Node {
	case query.NodeAnd:
		out := yes
		for _, a := range e.Args {
			out = min(out, evaluate(a, all, row))
		}
		return out
	case query.NodeOr:
		out := no
		for _, a := range e.Args {
			out = max(out, evaluate(a, all, row))
		}
		return out
	case query.NodeNot:
		return -evaluate(e.Args[0], all, row)
	}
	v := field(all, row, *e.Field)
	switch {
	case e.Node == query.NodeAudience && !v.IsNull():
		return truthOf(slices.ContainsFunc(members(*e.Audience, all), func(m query.Value) bool { return m == v }))
	case e.Node == query.NodeIsNull:
		return truthOf(v.IsNull())
	case e.Node == query.NodeIsNotNull:
		return truthOf(!v.IsNull())
	case v.IsNull():
		return null
	}
	return truthOf(compares(e, v))
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func compares(e query.Expr, v query.Value) bool {
	order := func() int { return compare(v, e.Values[0], query.TypeOf(e.Field.Type)) }
	among := func() bool {
		return slices.ContainsFunc(e.Values, func(w query.Value) bool { return compare(v, w, query.TypeOf(e.Field.Type)) == 0 })
	}
	switch e.Node {
	case query.NodeEqual:
		return order() == 0
	case query.NodeNotEqual:
		return order() != 0
	case query.NodeLess:
		return order() < 0
	case query.NodeLessEqual:
		return order() <= 0
	case query.NodeMore:
		return order() > 0
	case query.NodeMoreEqual:
		return order() >= 0
	case query.NodeIn:
		return among()
	case query.NodeNotIn:
		return !among()
	case query.NodeContains:
		return strings.Contains(v.Text(), e.Values[0].Text())
	case query.NodeStartsWith:
		return strings.HasPrefix(v.Text(), e.Values[0].Text())
	case query.NodeEndsWith:
		return strings.HasSuffix(v.Text(), e.Values[0].Text())
	}
	return e.Node == query.NodeAlways
}

func compare(a, b query.Value, t query.Type) int {
	switch t {
	case query.Float:
		return cmp.Compare(a.Float(), b.Float())
	case query.Text, query.JSON:
		return strings.Compare(a.Text(), b.Text())
	case query.Int:
		return whole(a).Cmp(whole(b))
	}
	return cmp.Compare(a.Int(), b.Int())
}

// whole returns an int of any size.
func whole(v query.Value) *big.Int {
	i, ok := new(big.Int).SetString(string(v.AppendText(nil)), 10)
	if !ok {
		panic("not an int: " + v.String())
	}
	return i
}

func measure(m query.Aggregand, all rows.Batch, in []int) query.Value {
	var values []query.Value
	for _, row := range in {
		if !holds(m.Filter, all, row) {
			continue
		}
		if m.Field == nil {
			values = append(values, query.Value{})
		} else if v := field(all, row, *m.Field); !v.IsNull() {
			values = append(values, v)
		}
	}
	switch {
	case m.Op == query.Count:
		return query.IntValue(int64(len(values)))
	case m.Op == query.CountDistinct:
		distinct := map[string]bool{}
		for _, v := range values {
			distinct[v.String()] = true
		}
		return query.IntValue(int64(len(distinct)))
	case len(values) == 0:
		return query.Value{}
	}
	return measureOf(m, values)
}

func measureOf(m query.Aggregand, values []query.Value) query.Value {
	isInt := m.Field.Type == dataset.Int
	switch m.Op {
	case query.Sum:
		if isInt {
			return query.BigValue(sumInts(values))
		}
		return query.FloatValue(sumFloats(values))
	case query.Avg:
		sum := sumFloats
		if isInt {
			sum = func(v []query.Value) float64 { f, _ := new(big.Float).SetInt(sumInts(v)).Float64(); return f }
		}
		return query.FloatValue(sum(values) / float64(len(values)))
	}
	slices.SortFunc(values, func(a, b query.Value) int { return compare(a, b, query.TypeOf(m.Field.Type)) })
	switch m.Op {
	case query.Min:
		return values[0]
	case query.Max:
		return values[len(values)-1]
	}
	return quantile(m.Q, values, isInt)
}

func sumInts(values []query.Value) *big.Int {
	sum := new(big.Int)
	for _, v := range values {
		sum.Add(sum, big.NewInt(v.Int()))
	}
	return sum
}

func sumFloats(values []query.Value) float64 {
	sum := new(big.Float).SetPrec(2000)
	for _, v := range values {
		sum.Add(sum, big.NewFloat(v.Float()))
	}
	f, _ := sum.Float64()
	return f
}

func quantile(q float64, sorted []query.Value, isInt bool) query.Value {
	number := func(i int) float64 {
		if isInt {
			return float64(sorted[i].Int())
		}
		return sorted[i].Float()
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return query.FloatValue(number(low) + (number(high)-number(low))*(at-float64(low)))
}

func arrange(out [][]query.Value, p query.AggregatePlan) {
	columns := p.Columns()
	sort.SliceStable(out, func(i, j int) bool {
		for _, s := range p.Order {
			a, b := out[i][s.Column], out[j][s.Column]
			switch {
			case a.IsNull() && b.IsNull():
				continue
			case a.IsNull() || b.IsNull():
				return b.IsNull()
			}
			if c := compare(a, b, columns[s.Column].Type); c != 0 {
				return c < 0 != s.Desc
			}
		}
		return false
	})
}
