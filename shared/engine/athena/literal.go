package athena

import (
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
)

// What is written here means the same to Trino and to DuckDB, so that statements can
// be tried on the one that is at hand.

// integer writes a number of 64 bits. A minus sign before digits would be an
// operation on the number without it, of which the least one has none.
func integer(i int64) string {
	if i < 0 {
		return "BIGINT '" + strconv.FormatInt(i, 10) + "'"
	}
	return strconv.FormatInt(i, 10)
}

// plus writes the sum of an expression and a number.
func plus(expression string, i int64) string {
	switch {
	case i == 0:
		return expression
	case i < 0:
		return expression + " - " + strconv.FormatUint(uint64(-i), 10)
	}
	return expression + " + " + strconv.FormatInt(i, 10)
}

// instant writes UTC microseconds as a TIMESTAMP.
func instant(micros int64) string {
	return "TIMESTAMP '" + time.UnixMicro(micros).UTC().Format("2006-01-02 15:04:05.000000") + "'"
}

// literal writes a value of a field.
func literal(v query.Value, t dataset.Type) string {
	switch t {
	case dataset.Bool:
		return strconv.FormatBool(v.Int() != 0)
	case dataset.Int:
		return integer(v.Int())
	case dataset.Time:
		return instant(v.Int())
	case dataset.Float:
		return "DOUBLE '" + strconv.FormatFloat(v.Float(), 'E', -1, 64) + "'"
	}
	return sqltext.Literal(v.Text())
}
