package duck

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/dataset"
)

// Functions that write values as text columns hold them. DuckDB writes 1e6, and
// times, differently.
const (
	floatText = "tarn_float_text" // of a DOUBLE
	timeText  = "tarn_time_text"  // of UTC microseconds
)

// textFunc is a function of one argument, never null, that makes a text.
type textFunc struct {
	in, out duckdb.TypeInfo
	write   func(driver.Value) string
}

func (f textFunc) Config() duckdb.ScalarFuncConfig {
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{f.in}, ResultTypeInfo: f.out}
}

func (f textFunc) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: func(values []driver.Value) (any, error) { return f.write(values[0]), nil }}
}

func registerFunctions(conn *sql.Conn) error {
	return errors.Join(
		registerText(conn, floatText, duckdb.TYPE_DOUBLE, func(v driver.Value) string { return dataset.FormatFloat(v.(float64)) }),
		registerText(conn, timeText, duckdb.TYPE_BIGINT, func(v driver.Value) string { return dataset.FormatTime(v.(int64)) }))
}

func registerText(conn *sql.Conn, name string, of duckdb.Type, write func(driver.Value) string) error {
	in, err := duckdb.NewTypeInfo(of)
	if err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	out, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	if err := duckdb.RegisterScalarUDF(conn, name, textFunc{in, out, write}); err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	return nil
}
