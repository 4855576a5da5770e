// #nosec G115 -- quotas, windows, rests and differences that were compared before: none is negative, and a quotient is below the quota

package quota

import (
	"math"
	"math/bits"
	"time"
)

// rate is a quota in whole units and the nanoseconds in which it fills.
type rate struct{ quota, window int64 }

// bucket is a token bucket, exact to the nanosecond: no rounding is ever lost or won.
// A use that is larger than the whole bucket is allowed when it is full and leaves it
// in debt, so that no batch can never be sent and the rate holds in the long run.
type bucket struct {
	Level  int64 `json:"level"`  // units; below zero in debt
	Rest   int64 `json:"rest"`   // of a unit that is coming, in nanoseconds times quota: under Window
	At     int64 `json:"at"`     // filled until then, in Unix nanoseconds; 0: never used
	Window int64 `json:"window"` // that Rest counts in
}

// filled returns the bucket as it is at now. A clock that goes back fills nothing.
func (b bucket) filled(r rate, now int64) bucket {
	if b.At == 0 {
		return bucket{Level: r.quota, At: now, Window: r.window}
	}
	if b.Window != r.window {
		b.Rest, b.Window = 0, r.window
	}
	b.Level = min(b.Level, r.quota)
	elapsed := now - b.At
	if elapsed <= 0 {
		return b
	}
	b.At = now
	high, low := bits.Mul64(uint64(elapsed), uint64(r.quota))
	low, carry := bits.Add64(low, uint64(b.Rest), 0)
	high += carry
	if high >= uint64(r.window) {
		return bucket{Level: r.quota, At: now, Window: r.window}
	}
	units, rest := bits.Div64(high, low, uint64(r.window))
	if units >= uint64(r.quota-b.Level) {
		return bucket{Level: r.quota, At: now, Window: r.window}
	}
	b.Level += int64(units)
	b.Rest = int64(rest)
	return b
}

// wait is how long it takes until n can be taken from a bucket that is filled.
func (b bucket) wait(r rate, n int64) time.Duration {
	return b.until(r, min(n, r.quota))
}

// until is how long it takes until the bucket holds level.
func (b bucket) until(r rate, level int64) time.Duration {
	if b.Level >= level {
		return 0
	}
	high, low := bits.Mul64(uint64(level-b.Level), uint64(r.window))
	low, borrow := bits.Sub64(low, uint64(b.Rest), 0)
	low, carry := bits.Add64(low, uint64(r.quota-1), 0) // rounded up
	high += carry - borrow
	if high >= uint64(r.quota) {
		return math.MaxInt64
	}
	ns, _ := bits.Div64(high, low, uint64(r.quota))
	return time.Duration(min(ns, math.MaxInt64))
}
