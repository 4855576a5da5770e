package columnfile

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAFilterIsAsLongAsItsDifferentValuesNeed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, different := range []int{0, 1, 10, 1000, 300_000} {
		for _, times := range []int{1, 3, 50} {
			if different*times > 1_000_000 {
				continue
			}
			var hashes []uint64
			for range different {
				h := r.Uint64()
				for range times {
					hashes = append(hashes, h)
				}
			}
			if got := distinct(hashes); math.Abs(float64(got)-float64(different)) > 1+float64(different)/50 {
				t.Errorf("distinct = %d for %d different ones, each %d times", got, different, times)
			}
		}
	}
}
