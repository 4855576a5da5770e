package contract

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/tests/oracle"
)

// TestStatementsForAthenaAreTrinos parses the golden statements by a grammar that
// was made of Trino's. What they mean is tried on DuckDB, in shared/engine/athena.
func TestStatementsForAthenaAreTrinos(t *testing.T) {
	oracle.RequireModule(t, "Trino's grammar", "dt-sql-parser")
	golden, err := filepath.Glob("../../shared/engine/athena/testdata/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, path := range golden {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if refused := bytes.HasPrefix(body, []byte("--")); !refused {
			all = append(all, strings.Split(string(body), "\n;\n")...)
		}
	}
	if len(all) < 10 {
		t.Fatalf("%d statements", len(all))
	}
	for i, wrong := range trinoSays(t, all) {
		if len(wrong) > 0 {
			t.Errorf("%q\n%s", wrong, all[i])
		}
	}
	const duckdbs = `SELECT count(*) FROM t AT (VERSION => 1)`
	if wrong := trinoSays(t, []string{duckdbs}); len(wrong[0]) == 0 {
		t.Error("the parser takes another dialect, too")
	}
}

// trinoSays returns what is wrong with each statement.
func trinoSays(t *testing.T, statements []string) (wrong [][]string) {
	t.Helper()
	in, err := json.Marshal(statements)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "node", "trino.mjs")
	command.Stdin = bytes.NewReader(in)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr(err))
	}
	if err := json.Unmarshal(out, &wrong); err != nil || len(wrong) != len(statements) {
		t.Fatalf("%v: %s", err, out)
	}
	return wrong
}
