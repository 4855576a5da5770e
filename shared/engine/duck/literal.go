package duck

import (
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
)

// timestamp writes UTC microseconds as a TIMESTAMP.
func timestamp(micros int64) string {
	return "make_timestamp(" + integer(micros) + ")"
}

func integer(i int64) string {
	if i < 0 {
		return "(" + strconv.FormatInt(i, 10) + ")"
	}
	return strconv.FormatInt(i, 10)
}

// literal writes a value of a field. Times are microseconds, as in relations.
func literal(v query.Value, t dataset.Type) string {
	switch t {
	case dataset.Bool:
		return strconv.FormatBool(v.Int() != 0)
	case dataset.Int, dataset.Time:
		return integer(v.Int())
	case dataset.Float:
		return "'" + strconv.FormatFloat(v.Float(), 'g', -1, 64) + "'::DOUBLE"
	}
	return sqltext.Literal(v.Text())
}
