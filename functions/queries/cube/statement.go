package cube

import (
	"encoding/json"
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/cube"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// sqlBody is what a client posts to ask in SQL.
type sqlBody struct {
	Query    string `json:"query" example:"select event, count(*) from web group by 1" doc:"one SELECT, as POST /v1/sql takes it"`
	Timezone string `json:"timezone,omitempty" doc:"UTC"`
}

// columnType describes a column of rows that SQL has made.
type columnType struct {
	Name string `json:"name"`
	Type string `json:"column_type"`
}

// statement answers SQL with two lines: the columns, and the rows.
func (e *endpoints) statement(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	var in sqlBody
	if err := decode(r, &in); err != nil {
		return err
	}
	if in.Timezone != "" && in.Timezone != "UTC" {
		return fault.New(fault.Invalid, "bad_zone", "statements are answered in UTC, not in %.80q", in.Timezone).WithHint("convert times in the statement")
	}
	result, err := e.Statement(r.Context(), caller, engine.Statement{SQL: in.Query})
	if err != nil {
		return err
	}
	return sendLines(w, result)
}

func sendLines(w http.ResponseWriter, result query.Result) error {
	schema := make([]columnType, len(result.Columns))
	for i, c := range result.Columns {
		schema[i] = columnType{c.Name, cube.ColumnType(c.Type)}
	}
	rows := make([][]json.RawMessage, len(result.Rows))
	for i, row := range result.Rows {
		rows[i] = make([]json.RawMessage, len(row))
		for j, v := range row {
			rows[i][j] = cube.Value(v, result.Columns[j].Type)
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	if err := lines.Encode(map[string]any{"schema": schema}); err != nil {
		return err
	}
	return lines.Encode(map[string]any{"data": rows})
}
