package duck

import (
	"fmt"
	"math"

	"github.com/tarnhq/tarn/shared/query"
)

// via writes the number that a sketch needs of a column, which is not null. DuckDB's
// hash is the same for all of a release.
func via(v query.Via, column string) string {
	const rest = 64 - query.HLLBits
	switch v {
	case query.HLLRegister:
		return fmt.Sprintf("CAST(hash(%s) >> %d AS BIGINT)", column, rest)
	case query.HLLRank: // a one after the last bit ends the zeros
		bits := fmt.Sprintf("(CAST(hash(%s) & %d AS BIGINT) | %d)", column, int64(1)<<rest-1, int64(1)<<rest)
		return fmt.Sprintf("CAST(bit_count(xor(%s, %s - 1)) AS BIGINT)", bits, bits)
	case query.LogBucket:
		log := func(x string) string {
			return fmt.Sprintf("CAST(ceil(ln(%s) / %v) AS BIGINT) + %d", x, math.Log(query.LogBase), query.LogOffset)
		}
		x := "CAST(" + column + " AS DOUBLE)"
		return fmt.Sprintf("CASE WHEN %s > 0 THEN %s WHEN %s < 0 THEN -(%s) ELSE 0 END", x, log(x), x, log("-"+x))
	}
	return column
}
