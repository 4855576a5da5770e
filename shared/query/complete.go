package query

import (
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/query/calendar"
)

// complete adds the lines of empty buckets, and computes measures of measures.
func (e *evaluation) complete(lines []line, p AggregatePlan) ([]line, error) {
	if e.Fill && p.Bucket != nil {
		var err error
		if lines, err = e.fill(lines, p); err != nil {
			return nil, err
		}
	}
	for i, d := range e.Derived {
		if d.Running != nil && p.Bucket != nil {
			e.accumulate(lines, *d.Running, e.ofRows+i)
		}
		if d.Expr != nil {
			for _, l := range lines {
				l.slots[e.ofRows+i] = d.Expr.eval(l.slots)
			}
		}
	}
	return lines, nil
}

// empty returns the slots of a group without rows.
func (e *evaluation) empty() []Value {
	slots := make([]Value, e.ofRows+len(e.Derived))
	for i, m := range e.Base {
		if m.Op == Count || m.Op == CountDistinct || m.Op == ApproxDistinct {
			slots[i] = IntValue(0)
		}
	}
	for i, d := range e.Derived {
		if d.Expr != nil {
			slots[e.ofRows+i] = d.Expr.eval(slots)
		}
	}
	return slots
}

// fill adds lines for buckets that a group lacks: from the beginning of the range to
// its end, or where that is open from the first to the last bucket of all groups.
func (e *evaluation) fill(lines []line, p AggregatePlan) ([]line, error) {
	type key struct {
		group string
		at    int64
	}
	present := map[key]bool{}
	groups := map[string]line{}
	r := p.Range
	first, last := calendar.MaxMicros, calendar.MinMicros
	for _, l := range lines {
		group := l.group()
		groups[group] = l
		if at := l.keys[0]; !at.IsNull() {
			present[key{group, at.Int()}] = true
			first, last = min(first, at.Int()), max(last, at.Int())
		}
	}
	if r.From == Unbounded.From {
		r.From = first
	}
	if r.To == Unbounded.To {
		r.To = last + 1
	}
	if len(groups) == 0 && len(p.Dimensions) == 0 {
		groups[""] = line{keys: make([]Value, len(e.Keys.Columns())), level: 1}
	}
	if len(groups) == 0 || r.From >= r.To {
		return lines, nil
	}
	starts, err := bucketsOf(*p.Bucket, r)
	if err != nil {
		return nil, err
	}
	if len(starts)*len(groups) > MaxLimit {
		return nil, tooManyGroups()
	}
	for name, g := range groups {
		for _, at := range starts {
			if present[key{name, at}] {
				continue
			}
			l := line{keys: slices.Clone(g.keys), other: g.other, level: g.level, slots: e.empty()}
			l.keys[0] = TimeValue(at)
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// group tells apart lines of one bucket.
func (l line) group() string {
	if len(l.keys) == 0 {
		return ""
	}
	return identity(append([]Value{BoolValue(l.other)}, l.keys[1:]...))
}

// bucketsOf lists the starts of the buckets that meet a range.
func bucketsOf(b Bucket, r Range) ([]int64, error) {
	zone, err := time.LoadLocation(b.Zone)
	if err != nil {
		return nil, err
	}
	buckets := calendar.Buckets{Grain: b.Grain, Zone: zone, WeekStart: b.WeekStart}
	var starts []int64
	for at := buckets.Start(buckets.Key(r.From)); at < r.To; at = buckets.Next(at) {
		if len(starts) == MaxLimit {
			return nil, tooManyGroups()
		}
		starts = append(starts, at)
	}
	return starts, nil
}

// accumulate adds up a slot over the buckets of each group. A bucket without a value
// adds nothing, and is null as long as there was none.
func (e *evaluation) accumulate(lines []line, from, to int) {
	groups := map[string][]line{}
	for _, l := range lines {
		if !l.keys[0].IsNull() {
			groups[l.group()] = append(groups[l.group()], l)
		}
	}
	for _, g := range groups {
		slices.SortFunc(g, func(a, b line) int { return a.keys[0].compare(b.keys[0]) })
		if e.slotType(from) == Int {
			accumulateInts(g, from, to)
		} else {
			accumulateFloats(g, from, to)
		}
	}
}

func accumulateInts(lines []line, from, to int) {
	sum, any := new(big.Int), false
	for _, l := range lines {
		if v := l.slots[from]; !v.IsNull() {
			sum.Add(sum, v.whole())
			any = true
		}
		if any {
			l.slots[to] = BigValue(sum)
		}
	}
}

// accumulateFloats compensates for what rounding loses (Neumaier 1974).
func accumulateFloats(lines []line, from, to int) {
	sum, lost, any := 0.0, 0.0, false
	for _, l := range lines {
		if v := l.slots[from]; !v.IsNull() {
			f := v.Float()
			next := sum + f
			if math.Abs(sum) >= math.Abs(f) {
				lost += sum - next + f
			} else {
				lost += f - next + sum
			}
			sum, any = next, true
		}
		if any {
			l.slots[to] = FloatValue(sum + lost)
		}
	}
}

// whole returns an int of any size.
func (v Value) whole() *big.Int {
	if v.kind != kindBig {
		return big.NewInt(v.Int())
	}
	i, _ := new(big.Int).SetString(v.text, 10) // digits
	return i
}

func compareWhole(v, w Value) int { return v.whole().Cmp(w.whole()) }
