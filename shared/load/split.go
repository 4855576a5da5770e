package load

import "github.com/tarnhq/tarn/shared/rows"

// Bounds of a segment: an engine reads a few large files faster than many small
// ones, and a range of time prunes whole files.
const (
	segmentRows  = 1_000_000
	segmentBytes = 256 << 20 // of memory
)

// split parts a batch's rows, in their order, into as few segments as the bounds
// allow, of equal size.
func split(batch rows.Batch) [][]int32 {
	n := max(over(int64(batch.Len), segmentRows), over(batch.Size(), segmentBytes))
	each := int(over(int64(batch.Len), n))
	var all [][]int32
	for from := 0; from < batch.Len; from += each {
		selection := make([]int32, min(each, batch.Len-from))
		for i := range selection {
			selection[i] = int32(from + i) // #nosec G115 -- a row of a batch, which is bounded
		}
		all = append(all, selection)
	}
	return all
}

// over divides, rounding up.
func over(n, by int64) int64 { return (n + by - 1) / by }
