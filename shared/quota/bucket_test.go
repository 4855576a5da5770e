package quota

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// exact is a bucket in rational numbers: it holds min(quota, level + elapsed·quota/window).
type exact struct {
	quota, window int64
	level         *big.Rat
	at            int64
}

func (e *exact) fill(now int64) {
	if e.level == nil {
		e.level, e.at = new(big.Rat).SetInt64(e.quota), now
	}
	if now <= e.at {
		return
	}
	coming := new(big.Rat).SetFrac(big.NewInt(e.quota), big.NewInt(e.window))
	coming.Mul(coming, new(big.Rat).SetInt64(now-e.at))
	e.level.Add(e.level, coming)
	if full := new(big.Rat).SetInt64(e.quota); e.level.Cmp(full) > 0 {
		e.level = full
	}
	e.at = now
}

func (e *exact) take(n, now int64) bool {
	e.fill(now)
	if e.level.Cmp(new(big.Rat).SetInt64(min(n, e.quota))) < 0 {
		return false
	}
	e.level.Sub(e.level, new(big.Rat).SetInt64(n))
	return true
}

func TestABucketIsExactToTheNanosecondAndToTheUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rate{quota: rapid.Int64Range(1, maxQuota).Draw(t, "quota"), window: rapid.Int64Range(1, maxSeconds).Draw(t, "seconds") * 1e9}
		if rapid.Bool().Draw(t, "small") {
			r.quota = r.quota%20 + 1
		}
		want, got, now := exact{quota: r.quota, window: r.window}, bucket{}, int64(1e18)
		for range 50 {
			now += rapid.OneOf(rapid.Int64Range(-1000, 1e9), rapid.Int64Range(0, r.window/r.quota+1), rapid.Just(r.window), rapid.Int64Range(0, 1e17)).Draw(t, "later")
			n := rapid.OneOf(rapid.Int64Range(1, r.quota), rapid.Int64Range(1, 3), rapid.Int64Range(1, 2*r.quota)).Draw(t, "n")
			got = got.filled(r, now)
			wait := got.wait(r, n)
			if allowed := want.take(n, now); allowed != (wait == 0) {
				t.Fatalf("%d of %+v at %d: the reference says %v, the bucket to wait %s", n, r, now, allowed, wait)
			}
			if wait == 0 {
				got.Level -= n
				continue
			}
			if then := max(now, got.At) + int64(wait); got.filled(r, then).wait(r, n) != 0 || got.filled(r, then-1).wait(r, n) == 0 {
				t.Fatalf("%d of %+v: %s is not when it can be had first", n, r, wait)
			}
		}
	})
}

func TestAChangedQuotaNeitherFillsNorEmptiesABucket(t *testing.T) {
	minute := int64(time.Minute)
	b := bucket{}.filled(rate{100, minute}, 1)
	b.Level -= 60
	if b = b.filled(rate{1000, minute}, 1); b.Level != 40 {
		t.Errorf("a larger quota: %d, want the 40 that were left", b.Level)
	}
	if b = b.filled(rate{10, 2 * minute}, 1); b.Level != 10 {
		t.Errorf("a smaller quota: %d, want all 10", b.Level)
	}
}
