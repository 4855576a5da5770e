package duck

import (
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/dataset"
)

// floatText writes floats as text columns hold them; DuckDB writes 1e6 differently.
const floatText = "tarn_float_text"

type floatTextFunc struct{ in, out duckdb.TypeInfo }

func (f floatTextFunc) Config() duckdb.ScalarFuncConfig {
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{f.in}, ResultTypeInfo: f.out}
}

func (floatTextFunc) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: func(values []driver.Value) (any, error) {
		return dataset.FormatFloat(values[0].(float64)), nil
	}}
}

func registerFunctions(conn *sql.Conn) error {
	in, err := duckdb.NewTypeInfo(duckdb.TYPE_DOUBLE)
	if err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	out, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	if err := duckdb.RegisterScalarUDF(conn, floatText, floatTextFunc{in, out}); err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	return nil
}
