package distribute

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// byKey and byTime are the tables of the tests: e and f are parted, d is not.
var (
	byKey  = map[string]Source{"e": {[]string{"k", "t", "v"}, "k"}, "f": {[]string{"k", "t", "w"}, "k"}, "d": {[]string{"v", "name"}, ""}}
	byTime = map[string]Source{"e": {[]string{"k", "t", "v"}, "t"}, "f": {[]string{"k", "t", "w"}, "t"}, "d": {[]string{"v", "name"}, ""}}
)

func connection(t interface{ Fatal(...any) }) (*sql.Conn, func()) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return conn, func() { conn.Close(); db.Close() }
}

func TestWhatDistributesAndWhatDoesNot(t *testing.T) {
	conn, closed := connection(t)
	defer closed()
	for _, c := range []struct {
		sql   string
		grain model.Grain
		want  string // columns that tell the part, or the beginning of the refusal
	}{
		{"select k, count(*) from e group by k", "", "k"},
		{"select k as id, sum(v) s from e group by 1", "", "id"},
		{"select v, count(*) from e group by v", "", "rows of several parts would be in one group"},
		{"select count(*) from e", "", "rows of several parts would be in one group"},
		{"select k, v from e where v > 1", "", "k"},
		{"select * from e", "", "k"},
		{"select * exclude (k) from e", "", ""},
		{"select e.k, w from e join f using (k)", "", "k"},
		{"select e.k, w from e join f on e.k = f.k and e.v < f.w", "", "k"},
		{"select e.k, w from e join f on e.v = f.w", "", "two inputs that are parted are joined without the part"},
		{"select e.k, f.k from e left join f on e.k = f.k", "", "k"},
		{"select k, v, w from e full join f using (k)", "", "k"},
		{"select e.k, v, w from e full join f using (k)", "", ""},
		{"select k, name from e join d on e.v = d.v", "", "k"},
		{"select k, name from e left join d using (v)", "", "k"},
		{"select k, name from e right join d using (v)", "", "a RIGHT join keeps rows of an input that is not parted"},
		{"select name from d where v in (select v from e)", "", "a query within an expression reads an input that is parted"},
		{"select k from e where v in (select v from d)", "", "k"},
		{"select k, row_number() over (partition by k order by v) n from e", "", "k"},
		{"select k, row_number() over (order by v) n from e", "", "the window of row_number goes over several parts"},
		{"select k from e order by v limit 3", "", "LIMIT counts rows of all parts together"},
		{"select distinct k, v from e", "", "k"},
		{"select distinct v from e", "", "DISTINCT compares rows"},
		{"select distinct on (k) k, v from e order by v", "", "k"},
		{"select k, v from e union all select k, w from f", "", "k"},
		{"select v, k from e union select w, v from f", "", "UNION compares rows"},
		{"select k from e union all select v from d", "", "one of two queries that are put together reads nothing"},
		{"with a as (select k, max(v) m from e group by k) select f.k, m - w from a join f on a.k = f.k", "", "k"},
		{"select k, random() from e", "", "random is another value each time"},
		{"select k, current_date from e", "", "current_date is another value each time"},
		{"select k, first(v) from e group by k", "", "what first() gives depends on the order of rows"},
		{"select k, first(v order by t) from e group by k", "", "k"},
		{"select name from d", "", "the statement reads nothing that is parted"},
		{"select k, v, count(*) from e group by rollup (k, v)", "", "rows of several parts would be in one group"},
		{"select date_trunc('day', t) as day, count(*) from e group by all", model.Day, "day"},
		{"select date_trunc('hour', t) as h, count(*) from e group by h", model.Day, "h"},
		{"select t::date as day, count(*) from e group by day", model.Week, "day"},
		{"select date_trunc('week', t) as w, count(*) from e group by w", model.Month, "rows of several parts"},
		{"select date_trunc('month', t) as m, count(*) from e group by m", model.Day, "rows of several parts"},
		{"select date_trunc('month', date_trunc('week', t)) as m, count(*) from e group by m", model.Month, "rows of several parts"},
		{"select k, count(*) from e group by k", model.Day, "rows of several parts"},
	} {
		sources := byKey
		if c.grain != "" {
			sources = byTime
		}
		q, err := sqlgate.Read(t.Context(), conn, c.sql)
		if err != nil {
			t.Fatal(c.sql, err)
		}
		columns, err := Of(q.Tree, sources, c.grain)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || c.want == "" || !strings.HasPrefix(err.Error(), c.want) && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.sql, err, c.want)
			}
			continue
		}
		var keys []string
		for _, col := range columns {
			if col.Key {
				keys = append(keys, col.Name)
			}
		}
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("%s: %q tell the part, want %q", c.sql, got, c.want)
		}
	}
}

// TestAStatementThatIsAllowedGivesTheSameByPartsAndAtOnce runs statements over random
// tables, whole and by the part.
func TestAStatementThatIsAllowedGivesTheSameByPartsAndAtOnce(t *testing.T) {
	conn, closed := connection(t)
	defer closed()
	allowed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		grain := rapid.SampledFrom([]model.Grain{"", model.Hour, model.Day, model.Week, model.Month}).Draw(t, "grain")
		sources, key := byKey, "k"
		if grain != "" {
			sources, key = byTime, fmt.Sprintf("date_trunc('%s', t)", grain)
		}
		g := &grammar{t: t, time: grain != ""}
		text := g.query(2)
		q, err := sqlgate.Read(t.Context(), conn, text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, err := Of(q.Tree, sources, grain); err != nil {
			refused++
			return
		}
		allowed++
		fill(t, conn)
		want := answer(t, conn, "true", text)
		got := []string{}
		for _, part := range parts(t, conn, key) {
			got = append(got, answer(t, conn, key+" IS NOT DISTINCT FROM "+part, text)...)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\nby %s: at once (-), by parts (+):\n%s", text, key, diff)
		}
	})
	t.Logf("%d allowed, %d refused", allowed, refused)
	if n := allowed + refused; n >= 100 && (allowed < n/10 || refused < n/10) {
		t.Errorf("%d statements were allowed and %d refused: that tests little", allowed, refused)
	}
}

func exec(t *rapid.T, conn *sql.Conn, statement string) {
	if _, err := conn.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// fill makes tables of a few rows, nulls among them.
func fill(t *rapid.T, conn *sql.Conn) {
	exec(t, conn, "CREATE SCHEMA IF NOT EXISTS datasets; CREATE SCHEMA IF NOT EXISTS raw")
	value := func(n int) string {
		if v := rapid.IntRange(-1, n).Draw(t, "value"); v >= 0 {
			return fmt.Sprint(v)
		}
		return "NULL"
	}
	for table, columns := range map[string]string{"e": "k INT, t TIMESTAMP, v INT", "f": "k INT, t TIMESTAMP, w INT", "d": "v INT, name TEXT"} {
		exec(t, conn, "CREATE OR REPLACE TABLE raw."+table+" ("+columns+")")
		for range rapid.IntRange(0, 8).Draw(t, table) {
			row := value(3) + ", 'n" + value(2) + "'"
			if table != "d" {
				at := fmt.Sprintf("TIMESTAMP '2026-01-%02d %02d:30:00'", rapid.SampledFrom([]int{1, 4, 5, 31}).Draw(t, "day"), rapid.IntRange(0, 2).Draw(t, "hour"))
				row = value(2) + ", " + at + ", " + value(3)
			}
			exec(t, conn, "INSERT INTO raw."+table+" VALUES ("+row+")")
		}
	}
}

// parts lists the parts of the rows there are, as SQL.
func parts(t *rapid.T, conn *sql.Conn, key string) (all []string) {
	rows, err := conn.QueryContext(t.Context(), fmt.Sprintf("SELECT DISTINCT coalesce('''' || p || '''', 'NULL') FROM (SELECT CAST(%s AS VARCHAR) FROM raw.e UNION SELECT CAST(%[1]s AS VARCHAR) FROM raw.f) x(p)", key))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			t.Fatal(err)
		}
		if p != "NULL" && strings.Contains(key, "date_trunc") {
			p = "TIMESTAMP " + p
		} else if p != "NULL" {
			p = "CAST(" + p + " AS INT)"
		}
		all = append(all, p)
	}
	return all
}

// answer runs a statement over the rows of one part, and returns its rows as text, sorted.
func answer(t *rapid.T, conn *sql.Conn, only, text string) (out []string) {
	for _, table := range []string{"e", "f"} {
		exec(t, conn, fmt.Sprintf("CREATE OR REPLACE VIEW datasets.%s AS SELECT * FROM raw.%[1]s WHERE %s", table, only))
	}
	exec(t, conn, "CREATE OR REPLACE VIEW datasets.d AS SELECT * FROM raw.d")
	exec(t, conn, "USE datasets")
	rows, err := conn.QueryContext(t.Context(), "SELECT CAST(r AS VARCHAR) FROM ("+text+") r")
	if err != nil && strings.Contains(err.Error(), "unordered_map::at") {
		t.SkipNow() // DuckDB 1.5 cannot plan some windows within windows
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	out = []string{}
	for rows.Next() {
		var r sql.NullString
		if err := rows.Scan(&r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r.String)
	}
	slices.Sort(out)
	return out
}

// grammar draws statements, of which about half distribute.
type grammar struct {
	t    *rapid.T
	time bool
}

func (g *grammar) one(of ...string) string { return rapid.SampledFrom(of).Draw(g.t, "choice") }
func (g *grammar) chance(label string, in int) bool {
	return rapid.IntRange(1, in).Draw(g.t, label) == 1
}

// part is an expression that may tell the part of a row of a table with columns k, t and x.
func (g *grammar) part(table string) string {
	if !g.time || g.chance("other", 8) {
		return table + "k"
	}
	return fmt.Sprintf(g.one("date_trunc('hour', %st)", "date_trunc('day', %st)", "date_trunc('week', %st)", "date_trunc('month', %st)", "CAST(%st AS DATE)", "%st"), table)
}

// query draws a query with columns k, t and x.
func (g *grammar) query(depth int) string {
	if depth > 0 && g.chance("set", 5) {
		return "SELECT k, t, x FROM (" + g.query(depth-1) + ")" + g.one(" UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT ") + "SELECT k, t, x FROM (" + g.query(depth-1) + ")"
	}
	from := g.from(depth)
	where := ""
	if g.chance("where", 3) {
		where = " WHERE " + g.one("x > 1", "x IS NULL", "x IN (SELECT v FROM d)", "x = (SELECT max(v) FROM e)", "k IS NOT NULL")
	}
	switch rapid.IntRange(0, 6).Draw(g.t, "form") {
	case 0, 1:
		group := g.part("")
		return fmt.Sprintf("SELECT %s, min(t) AS t, %s AS x FROM %s%s GROUP BY %s", g.one("min(k) AS k", "max(k) AS k"), g.one("count(*)", "sum(x)", "count(DISTINCT x)"), from, where,
			g.one(group, group+", x", "x"))
	case 2:
		if !g.time {
			return fmt.Sprintf("SELECT k, min(t) AS t, %s AS x FROM %s%s GROUP BY k%s", g.one("count(*)", "sum(x)"), from, where, g.one("", " HAVING count(*) > 1"))
		}
		return fmt.Sprintf("SELECT min(k) AS k, %s AS t, count(*) AS x FROM %s%s GROUP BY 2", g.part(""), from, where)
	case 3:
		return fmt.Sprintf("SELECT k, t, %s OVER (PARTITION BY %s) AS x FROM %s%s", g.one("sum(x)", "count(*)", "max(x)"), g.one(g.part(""), "x"), from, where)
	case 4:
		return "SELECT DISTINCT k, t, x FROM " + from + where
	default:
		return "SELECT k, t, x FROM " + from + where + g.one("", "", "", " ORDER BY k, t, x LIMIT 2")
	}
}

// from draws what has columns k, t and x.
func (g *grammar) from(depth int) string {
	n := 2
	if depth > 0 {
		n = 6
	}
	switch rapid.IntRange(0, n).Draw(g.t, "from") {
	case 0, 1:
		return "(SELECT k, t, v AS x FROM e) AS a"
	case 2:
		return "(SELECT k, t, w AS x FROM f) AS a"
	case 3:
		return "(" + g.query(depth-1) + ") AS a"
	case 4:
		how, on := g.one("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"), g.one("ON a.k = b.k", "USING (k)", "ON a.x = b.x")
		if g.time {
			on = g.one("ON "+g.part("a.")+" = "+g.part("b."), "USING (t)", "ON a.k = b.k")
		}
		side, value := g.one("a", "b"), "b"
		if how == "SEMI JOIN" || how == "ANTI JOIN" {
			side, value = "a", "a"
		}
		return fmt.Sprintf("(SELECT %s.k AS k, %[1]s.t AS t, %s.x AS x FROM (%s) AS a %s (%s) AS b %s) AS c", side, value, g.query(depth-1), how, g.query(depth-1), on)
	case 5:
		return fmt.Sprintf("(SELECT k, t, v AS x FROM (%s) AS a %s d ON a.x = d.v) AS b", g.query(depth-1), g.one("JOIN", "LEFT JOIN", "RIGHT JOIN"))
	default:
		if g.time {
			return "(SELECT e.k, t, w AS x FROM e " + g.one("JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN") + " f USING (t)) AS a"
		}
		return "(SELECT k, e.t AS t, w AS x FROM e " + g.one("JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN") + " f USING (k)) AS a"
	}
}
