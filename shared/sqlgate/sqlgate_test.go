package sqlgate_test

import (
	"bufio"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// connect opens an empty database.
func connect(t testing.TB) *sql.Conn {
	t.Helper()
	connector, err := duckdb.NewConnector("", func(driver.ExecerContext) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// statement is one of a corpus: what it must be refused with, if so, and its text.
type statement struct{ code, text string }

// corpus reads the files that match a pattern: a line holds a code, a tab and a text,
// in which \n stands for a line's end; empty lines and those that begin with # say
// nothing.
func corpus(t testing.TB, pattern string) (all []statement) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no files")
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			if lines.Text() == "" || strings.HasPrefix(lines.Text(), "#") {
				continue
			}
			code, text, ok := strings.Cut(lines.Text(), "\t")
			if !ok {
				t.Fatalf("%s: %q has no tab", name, lines.Text())
			}
			all = append(all, statement{code, strings.ReplaceAll(text, `\n`, "\n")})
		}
	}
	return all
}

func TestAttacksAreRefused(t *testing.T) {
	conn := connect(t)
	attacks := corpus(t, "attacks*.txt")
	if len(attacks) < 200 {
		t.Errorf("there are %d attacks", len(attacks))
	}
	for _, a := range attacks {
		q, err := sqlgate.Read(t.Context(), conn, a.text)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != a.code || f.Kind != fault.Invalid {
			t.Errorf("%s\n  gives %v, %q, want %s", a.text, err, q.Text, a.code)
		}
	}
}

func TestHonestStatementsPass(t *testing.T) {
	conn := connect(t)
	for _, s := range corpus(t, "honest.txt") {
		q, err := sqlgate.Read(t.Context(), conn, s.text)
		if err != nil {
			t.Errorf("%s\n  gives %v", s.text, err)
			continue
		}
		var got []string
		for _, d := range q.Datasets {
			got = append(got, string(d))
		}
		if want := strings.FieldsFunc(s.code, func(r rune) bool { return r == ',' || r == '-' }); !cmp.Equal(got, append([]string(nil), want...)) {
			t.Errorf("%s\n  reads %v, want %v", s.text, got, want)
		}
		if err := harmless(t.Context(), conn, q); err != nil {
			t.Errorf("%s\n  is written %s\n  %v", s.text, q.Text, err)
		}
	}
}

func TestWhatAStatementReadsIsKnown(t *testing.T) {
	conn := connect(t)
	for claim, c := range map[string]struct {
		text         string
		whole        bool
		reads, never string
	}{
		"a column by name":                  {"select url from web", false, "url", "price"},
		"in any case of letters":            {"select URL from web", false, "Url", "price"},
		"of a join":                         {"select 1 from web join shop using (id)", false, "id", "price"},
		"in a count":                        {"select count(*) from web", false, "", "price"},
		"a star reads all":                  {"select * from web", true, "price", ""},
		"a pattern of names reads all":      {"select columns('p.*') from web", true, "price", ""},
		"a table's row is all of it":        {"select web from web", true, "price", ""},
		"an alias's row is all of it":       {"select w from web w", true, "price", ""},
		"a natural join compares all":       {"select 1 from web natural join shop", true, "price", ""},
		"new names hide the old ones":       {"select a from web as w(a)", true, "price", ""},
		"a subquery's star reads all of it": {"select n from (select * from web)", true, "price", ""},
	} {
		q, err := sqlgate.Read(t.Context(), conn, c.text)
		if err != nil || q.Whole != c.whole || c.reads != "" && !q.Reads(c.reads) || c.never != "" && q.Reads(c.never) {
			t.Errorf("%s: %+v, %v", claim, q, err)
		}
	}
}

func TestNamesStandForDatasetsOrForWhatWithNames(t *testing.T) {
	conn := connect(t)
	for text, want := range map[string][]dataset.Name{
		"with web as (select 1 as x) select * from web":                                       nil,
		"with web as (select * from web) select * from web":                                   {"web"},
		"with a as (select * from b), b as (select 1) select * from a, b":                     {"b"},
		"select * from (with web as (select 1) select * from web), shop":                      {"shop"},
		"select (with web as (select 1 as x) select x from web), event from web":              {"web"},
		"with recursive r as (select 1 as n union all select n+1 from r) select * from r":     nil,
		"select * from WEB, Web, web":                                                         {"web"},
		"with a as (select 1) select * from (with a as (select * from shop) select * from a)": {"shop"},
	} {
		q, err := sqlgate.Read(t.Context(), conn, text)
		if diff := cmp.Diff(want, q.Datasets); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
}

func TestParametersAreListed(t *testing.T) {
	q, err := sqlgate.Read(t.Context(), connect(t), "select ? from web where event = ? and url in (select ?)")
	if diff := cmp.Diff([]string{"1", "2", "3"}, q.Parameters); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
