package duck

import (
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// identifier quotes a name.
func identifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// text writes a text literal. A statement ends at its first NUL, so that one within
// a text is written as a call, which DuckDB folds.
func text(s string) string {
	parts := strings.Split(s, "\x00")
	for i, p := range parts {
		parts[i] = "'" + strings.ReplaceAll(p, "'", "''") + "'"
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " || chr(0) || ") + ")"
}

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
	return text(v.Text())
}
