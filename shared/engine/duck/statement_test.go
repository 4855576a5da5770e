package duck

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
)

func TestAScanOfGroupsIsNotToldHowFarTheFirstGo(t *testing.T) {
	db, err := openDatabase()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	column := rows.Column{Column: dataset.Column{Name: "country", Type: dataset.Text}}
	made, err := createTable(t.Context(), conn, "countries", rows.Batch{Columns: []rows.Column{column}}, []int{0})
	if err != nil {
		t.Fatal(err)
	}
	defer made.close()
	group := query.Group{Name: "country", Field: query.Field{Name: "country", Type: dataset.Text}}
	plan := query.AggregatePlan{Keys: query.Keys{Dimensions: []query.Group{group}}, Order: []query.Sort{{}}, Limit: 10,
		Measures: []query.Aggregand{{Op: query.Count}}, Rows: query.Rows{Range: query.Unbounded}}
	s, err := statementOf(plan, sources{fields: fieldsOf(plan), tail: []part{{table: made, columns: []dataset.Column{column.Column}}}})
	if err != nil {
		t.Fatal(err)
	}
	const told = "Dynamic Filter"
	if explained(t, conn, s.sql, told) {
		t.Errorf("the scan waits to be told: %s", s.sql)
	}
	if bare := strings.Replace(s.sql, "c0 IS NULL, ", "", 1); !explained(t, conn, bare, told) {
		t.Errorf("%s: DuckDB no longer tells a scan, and the order can be plain", bare)
	}
}

// explained reports whether how DuckDB runs a statement mentions a word.
func explained(t *testing.T, conn *sql.Conn, statement, word string) bool {
	t.Helper()
	var kind, plan string
	if err := conn.QueryRowContext(t.Context(), "EXPLAIN "+statement).Scan(&kind, &plan); err != nil {
		t.Fatal(err)
	}
	return strings.Contains(plan, word)
}
