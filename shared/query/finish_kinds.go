package query

import (
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/query/calendar"
)

// funnelProgram answers a funnel with a row for each step of each group.
type funnelProgram struct {
	Plan  FunnelPlan
	Names []string // of steps
}

func (f funnelProgram) columns() []Column {
	return append(f.Plan.Keys.Columns(), Column{"step", Int}, Column{"name", Text}, Column{"subjects", Int}, Column{"conversion", Float}, Column{"step_conversion", Float},
		Column{"min_seconds", Float}, Column{"p25_seconds", Float}, Column{"median_seconds", Float}, Column{"p75_seconds", Float}, Column{"p95_seconds", Float}, Column{"max_seconds", Float})
}

func (f funnelProgram) run(run Runner) (Result, error) {
	r, err := run(f.Plan)
	if err != nil {
		return r, err
	}
	keys, steps := len(f.Plan.Keys.Columns()), len(f.Plan.Steps)
	out := make([][]Value, 0, len(r.Rows)*steps)
	for _, row := range r.Rows {
		counts, times := row[keys:keys+steps], row[keys+steps:]
		for i := range steps {
			line := append(slices.Clone(row[:keys]), IntValue(int64(i+1)), TextValue(f.Names[i]), counts[i], share(counts[i], counts[0]), share(counts[i], counts[max(0, i-1)]))
			for j := range Quantiles {
				line = append(line, secondsTo(i, j, times))
			}
			out = append(out, line)
		}
	}
	r.Columns, r.Rows = f.columns(), out
	return r, nil
}

// secondsTo is a quantile of the time to a step; to the first there is none.
func secondsTo(step, quantile int, micros []Value) Value {
	if step == 0 {
		return Value{}
	}
	v := micros[(step-1)*len(Quantiles)+quantile]
	if v.IsNull() {
		return v
	}
	return FloatValue(v.Float() / 1e6)
}

// share is a part of a whole; of nothing, null.
func share(part, whole Value) Value {
	if whole.Int() == 0 {
		return Value{}
	}
	return FloatValue(float64(part.Int()) / float64(whole.Int()))
}

// retentionProgram answers retention with a row for each period of each cohort that
// has begun: before the range ends or, where it is open, by the last period in which
// anyone was seen.
type retentionProgram struct {
	Plan  RetentionPlan
	Limit int
}

func (p retentionProgram) columns() []Column {
	keys := p.Plan.Keys.Columns()
	keys[0].Name = "cohort"
	return append(keys, Column{"period", Int}, Column{"size", Int}, Column{"subjects", Int}, Column{"rate", Float})
}

// cohort is the subjects that began in one bucket and group.
type cohort struct {
	keys      []Value
	key       int64 // of the bucket
	size      Value
	returning map[int64]Value // by period
}

func (p retentionProgram) run(run Runner) (Result, error) {
	r, err := run(p.Plan)
	if err != nil {
		return r, err
	}
	if r.Stats.Truncated {
		return r, tooManyGroups()
	}
	zone, err := time.LoadLocation(p.Plan.Bucket.Zone)
	if err != nil {
		return r, err
	}
	buckets := calendar.Buckets{Grain: p.Plan.Bucket.Grain, Zone: zone, WeekStart: p.Plan.Bucket.WeekStart}
	cohorts, last := p.cohorts(r.Rows, buckets)
	if p.Plan.Range.To != Unbounded.To {
		last = buckets.Key(p.Plan.Range.To - 1)
	}
	var out [][]Value
	for _, c := range cohorts {
		for period := range min(int64(p.Plan.Periods), last-c.key) + 1 {
			subjects, ok := c.returning[period]
			if !ok {
				subjects = IntValue(0)
			}
			out = append(out, append(slices.Clone(c.keys), IntValue(period), c.size, subjects, share(subjects, c.size)))
		}
	}
	if len(out) > p.Limit {
		out, r.Stats.Truncated = out[:p.Limit], true
	}
	r.Columns, r.Rows = p.columns(), out
	return r, nil
}

// cohorts gathers rows, which come in order, and finds the last bucket among them.
func (p retentionProgram) cohorts(rows [][]Value, buckets calendar.Buckets) (all []*cohort, last int64) {
	keys := len(p.Plan.Keys.Columns())
	last = calendar.MinMicros
	for _, row := range rows {
		key, period := buckets.Key(row[0].Int()), row[keys].Int()
		if period == CohortSize { // the first of its cohort
			all = append(all, &cohort{keys: row[:keys], key: key, size: row[keys+1], returning: map[int64]Value{}})
			period = 0
		} else {
			all[len(all)-1].returning[period] = row[keys+1]
		}
		last = max(last, key+period)
	}
	return all, last
}
