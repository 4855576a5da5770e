// #nosec G115 -- a word holds the bits of a number, both ways

package columnfile

import (
	"bytes"
	"math"
	"slices"
)

// maxBound is the longest text that statistics carry, in bytes: past it they would
// cost more than they let a reader skip.
const maxBound = 64

// wordBounds sets the least and the greatest value of a numeric chunk.
func (w *chunk) wordBounds(words []uint64) {
	if len(words) == 0 || w.Form == Float && slices.ContainsFunc(words, isNaN) {
		return
	}
	least, most := words[0], words[0]
	for _, word := range words {
		least = uint64(min(int64(least), int64(word)))
		most = uint64(max(int64(most), int64(word)))
	}
	if w.Form == Float {
		least, most = floatBounds(words)
	}
	w.meta.Statistics.MinValue = appendWord(nil, w.Form, least)
	w.meta.Statistics.MaxValue = appendWord(nil, w.Form, most)
}

func isNaN(word uint64) bool { return math.IsNaN(math.Float64frombits(word)) }

// floatBounds takes zeros for both signs, as the format asks.
func floatBounds(words []uint64) (least, most uint64) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, word := range words {
		f := math.Float64frombits(word)
		low, high = min(low, f), max(high, f)
	}
	if low == 0 {
		low = math.Copysign(0, -1)
	}
	if high == 0 {
		high = 0 // not -0
	}
	return math.Float64bits(low), math.Float64bits(high)
}

// textBounds sets the least and the greatest of n texts, unless they are long.
func (w *chunk) textBounds(n int, text func(int) []byte) {
	if n == 0 {
		return
	}
	least, most := text(0), text(0)
	for i := range n {
		t := text(i)
		if bytes.Compare(t, least) < 0 {
			least = t
		} else if bytes.Compare(t, most) > 0 {
			most = t
		}
	}
	if len(least) <= maxBound && len(most) <= maxBound {
		w.meta.Statistics.MinValue = bytes.Clone(least)
		w.meta.Statistics.MaxValue = bytes.Clone(most)
	}
}
