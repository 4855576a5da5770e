package query

import (
	"encoding/binary"
	"math"
	"math/bits"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"
)

// registersOf fills a HyperLogLog with n values.
func registersOf(n int, seed uint64) []cell {
	ranks := map[int64]int64{}
	for i := range n {
		var text [16]byte
		binary.LittleEndian.PutUint64(text[:], uint64(i))
		binary.LittleEndian.PutUint64(text[8:], seed)
		h := xxhash.Sum64(text[:])
		at := int64(h >> (64 - HLLBits))
		ranks[at] = max(ranks[at], int64(bits.TrailingZeros64(h|1<<(64-HLLBits)))+1)
	}
	var out []cell
	for at, rank := range ranks {
		out = append(out, cell{at, rank})
	}
	return out
}

func TestDistinctCountsAreAsFarOffAsTheirStandardErrorSays(t *testing.T) {
	standard := 1.04 / math.Sqrt(1<<HLLBits)
	for _, n := range []int{1, 10, 100, 1_000, 10_000, 200_000} {
		const trials = 40
		squares := 0.0
		for seed := range uint64(trials) {
			off := float64(distinct(registersOf(n, seed)))/float64(n) - 1
			if math.Abs(off) > 4*standard {
				t.Errorf("%d values: %.2f%% off", n, 100*off)
			}
			squares += off * off
		}
		if error := math.Sqrt(squares / trials); error > 1.3*standard {
			t.Errorf("%d values: a standard error of %.2f%%, more than %.2f%%", n, 100*error, 100*standard)
		}
	}
}

func TestABucketsMiddleIsWithinItsAccuracy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64().Draw(t, "x")
		var bucket int64
		if x != 0 {
			bucket = int64(math.Ceil(math.Log(math.Abs(x))/math.Log(LogBase))) + LogOffset
		}
		if x < 0 {
			bucket = -bucket
		}
		if got := middle(bucket); math.Abs(got-x) > (Accuracy+1e-9)*math.Abs(x) && math.Abs(x) > 1e-300 {
			t.Fatalf("%v is in the bucket of %v", x, got)
		}
	})
}
