package query

import (
	"cmp"
	"math"
	"slices"
)

// Approximate measures are sketches that any rows' can be merged with any others'.
// The engine computes them as groups of an ordinary aggregate: a HyperLogLog's
// registers as the greatest rank of each, a DDSketch as the count of each bucket. So
// their parts can be kept and merged as those of exact measures are. What the groups
// mean is computed here.

// Via is a whole number that is computed of a field.
type Via string

// The numbers, of values that are not null.
const (
	// HLLRegister is a register of a HyperLogLog: the first HLLBits of a hash of 64
	// bits that the engine chooses and does not change.
	HLLRegister Via = "hll_register"
	// HLLRank is 1 and the number of zeros at the end of the hash's other bits.
	HLLRank Via = "hll_rank"
	// LogBucket is the bucket of a number in a DDSketch: ceil(log(x) to the base
	// LogBase) + LogOffset where x is positive, the negative of that of -x where it
	// is negative, and 0 of 0.
	LogBucket Via = "log_bucket"
)

// HLLBits makes 4,096 registers. The standard error is 1.04/sqrt(4096) = 1.625%.
const HLLBits = 12

// Accuracy is how far an approximate quantile may be from the value of its rank, as a
// share of it.
const Accuracy = 0.01

// LogBase and LogOffset number the buckets of a DDSketch. No bucket of a float that is
// not zero is as far from 0 as LogOffset before it is added.
const (
	LogBase   = (1 + Accuracy) / (1 - Accuracy)
	LogOffset = 100_000
)

// maxCells bounds the groups of one sketch's plan.
const maxCells = 1_000_000

// approximate reports whether a measure is a sketch.
func (m Aggregand) approximate() bool { return m.Op == ApproxDistinct || m.Op == ApproxQuantile }

// sketchPlan makes the plan of a sketch's groups.
func sketchPlan(p AggregatePlan, m Aggregand) AggregatePlan {
	p.Filter = both(p.Filter, Expr{Node: NodeIsNotNull, Field: m.Field})
	if m.Filter != nil {
		p.Filter = both(p.Filter, *m.Filter)
	}
	cell, measure := Group{Name: "cell", Field: *m.Field, Via: HLLRegister}, Aggregand{Name: "rank", Op: Max, Field: m.Field, Via: HLLRank}
	if m.Op == ApproxQuantile {
		cell.Via, measure = LogBucket, Aggregand{Name: "rows", Op: Count}
	}
	p.Dimensions = append(slices.Clone(p.Dimensions), cell)
	p.Measures = []Aggregand{measure}
	p.Order, p.Limit = p.Keys.ordered(), maxCells
	return p
}

// sketch runs a sketch's plan and returns its values by the identity of their keys.
func (e *evaluation) sketch(p AggregatePlan, m Aggregand) (map[string]Value, error) {
	own := len(p.Keys.Columns())
	r, err := e.ask(sketchPlan(p, m))
	if err != nil {
		return nil, err
	}
	if r.Stats.Truncated {
		return nil, tooManyGroups()
	}
	cells := map[string][]cell{}
	for _, row := range r.Rows {
		id := identity(row[:own])
		cells[id] = append(cells[id], cell{row[own].Int(), row[own+1].Int()})
	}
	out := make(map[string]Value, len(cells))
	for id, c := range cells {
		if m.Op == ApproxDistinct {
			out[id] = IntValue(distinct(c))
		} else {
			out[id] = FloatValue(quantile(c, m.Q))
		}
	}
	return out, nil
}

// cell is a group of a sketch: a register and its rank, or a bucket and its count.
type cell struct{ at, value int64 }

// distinct estimates how many values filled the registers of a HyperLogLog. It is
// algorithm 6 of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
// sketches" (2017, arXiv 1702.01284), which needs no tables and no change of method
// between small and large numbers.
func distinct(registers []cell) int64 {
	const m, q = 1 << HLLBits, 64 - HLLBits
	var ranks [q + 2]float64 // how many registers have each rank
	ranks[0] = m
	for _, r := range registers {
		ranks[r.value]++
		ranks[0]--
	}
	z := m * tau(1-ranks[q+1]/m)
	for k := q; k >= 1; k-- {
		z = (z + ranks[k]) / 2
	}
	z += m * sigma(ranks[0]/m)
	return int64(math.Round(m * m / (2 * math.Ln2 * z)))
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for before := math.NaN(); z != before; y *= 2 {
		x *= x
		before = z
		z += x * y
	}
	return z
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for before := math.NaN(); z != before; {
		x = math.Sqrt(x)
		before = z
		y /= 2
		z -= (1 - x) * (1 - x) * y
	}
	return z / 3
}

// quantile returns the value of the bucket that holds the value of a rank, within
// Accuracy of it (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile
// sketch with relative-error guarantees", VLDB 2019).
func quantile(buckets []cell, q float64) float64 {
	slices.SortFunc(buckets, func(a, b cell) int { return cmp.Compare(a.at, b.at) })
	var rows int64
	for _, b := range buckets {
		rows += b.value
	}
	rank := int64(q * float64(rows-1))
	for _, b := range buckets {
		if rank -= b.value; rank < 0 {
			return middle(b.at)
		}
	}
	return middle(buckets[len(buckets)-1].at)
}

// middle is the value of a bucket that is as far from its least as from its greatest,
// as a share of each.
func middle(bucket int64) float64 {
	switch {
	case bucket == 0:
		return 0
	case bucket < 0:
		return -middle(-bucket)
	}
	return min(math.Pow(LogBase, float64(bucket-LogOffset-1))*(1+Accuracy), math.MaxFloat64)
}
