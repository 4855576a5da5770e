package sqlrun

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// TestFilesAreOutOfReachBehindTheGate runs what the gate refuses, without the gate and
// without the process: DuckDB's own lock must hold alone.
func TestFilesAreOutOfReachBehindTheGate(t *testing.T) {
	dir := t.TempDir()
	secret, link := filepath.Join(dir, "secret.csv"), filepath.Join(dir, "link.csv")
	if err := os.WriteFile(secret, []byte("a\nsecret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	allowed := filepath.Join(dir, "allowed.csv")
	if err := os.WriteFile(allowed, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	db, conn, err := duck.OpenIsolated(t.Context(), 1, 256<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := duck.Isolate(t.Context(), conn, []string{allowed}); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRowContext(t.Context(), "SELECT count(*) FROM read_csv('"+allowed+"')").Scan(&n); err != nil || n != 1 {
		t.Fatalf("what is allowed: %d, %v", n, err)
	}
	attacks := []string{
		"FROM read_csv('" + secret + "')", "FROM read_csv('" + link + "')", "FROM read_text('" + dir + "/*')", "FROM glob('" + dir + "/*')",
		"FROM '" + secret + "'", "FROM read_csv('" + dir + "/allowed.csv/../secret.csv')", "FROM sniff_csv('" + secret + "')",
		"COPY (SELECT 1) TO '" + dir + "/made.csv'", "ATTACH '" + dir + "/made.db'", "SET enable_external_access = true", "SET threads = 1", "INSTALL httpfs", "LOAD '" + secret + "'",
		"EXPORT DATABASE '" + dir + "/made'",
	}
	file, err := os.Open(filepath.Join("..", "sqlgate", "testdata", "attacks.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if code, text, ok := strings.Cut(lines.Text(), "\t"); ok && strings.Contains(text, "/etc/") && code != "sql_many_statements" && code != "sql_syntax" {
			attacks = append(attacks, text)
		}
	}
	for _, text := range attacks {
		if rows, err := conn.QueryContext(t.Context(), text); err == nil {
			found := rows.Next()
			if err := rows.Close(); err == nil && found {
				t.Errorf("%s gives rows", text)
			}
		}
	}
	if made, err := filepath.Glob(filepath.Join(dir, "made*")); err != nil || len(made) > 0 {
		t.Errorf("made %v, %v", made, err)
	}
	if _, err := sqlgate.Read(t.Context(), conn, "SELECT 1"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
