package sqlrun_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/sqlrun"
)

// bombs ask for more than there is: of memory, of time, or of DuckDB's patience. None
// of them is stopped by DuckDB's own settings alone.
var bombs = map[string]string{
	"a text of 4 GB":                     "select length(repeat('x', 4000000000))",
	"a text of 4 GB, 1,000 times":        "select sum(length(repeat(event, 40000000))) from web",
	"the distance of long texts":         "select levenshtein(repeat('a', 120000), repeat('b', 120000))",
	"another distance of long texts":     "select damerau_levenshtein(repeat('a', 120000) || event, repeat('b', 120000)) from web",
	"a list of 300 million":              "select list_sum(list_transform(range(300000000), lambda x: x + 1))",
	"a list of lists":                    "select length(list_transform(range(100000), lambda x: range(100000)))",
	"a recursion without end":            "with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r",
	"a recursion that doubles":           "with recursive r as (select 1 as n union all select n + i from r, range(2) t(i)) select count(*) from r",
	"a recursion with a key":             "with recursive r(n) using key (n) as (select 1 union select n + 1 from r) select count(*) from r",
	"everything with everything":         "select count(*) from range(100000000000) a, range(100000000000) b where a.range + b.range = 1",
	"everything with everything, sorted": "select a.range from range(1000000) a, range(1000000) b order by a.range * b.range desc limit 3",
	"groups without number":              "select count(*) from (select a.range % 1000000007 as n, count(*) from range(100000000000) a group by n)",
	"distinct texts without number":      "select count(distinct repeat(range::text, 100)) from range(10000000000)",
	"a product of series":                "select sum(x) from (select unnest(range(1000000000)) as x)",
	"a text of all texts":                "select length(string_agg(repeat('x', 1000), ',')) from range(100000000)",
	"a list of all":                      "select length(list(range)) from range(10000000000)",
	"padding":                            "select length(lpad('x', 2000000000, 'y') || rpad('x', 2000000000, 'y'))",
	"a format with a width":              "select length(format('{:>2000000000}', 'x'))",
	"a printf with a width":              "select length(printf('%2000000000d', 1))",
	"a bit string":                       "select bit_count(bitstring('1', 2000000000))",
	"a replacement that grows":           "select length(replace(repeat('a', 100000), 'a', repeat('b', 100000)))",
	"a factorial of everything":          "select max(factorial(20) * range) from range(100000000000000)",
	"all matches of a pattern":           "select length(regexp_extract_all(repeat('a', 400000000), ''))",
	"a JSON of 100 million":              "select length(to_json(range(100000000))::varchar)",
	"windows of everything":              "select sum(s) from (select sum(range) over (order by range rows between 100000 preceding and current row) as s from range(100000000))",
	"an exact quantile of all":           "select quantile_cont(range, 0.5) from range(10000000000)",
	"a histogram of all":                 "select cardinality(histogram(range)) from range(1000000000)",
	"a mode of all":                      "select mode(range) from range(10000000000)",
	"a resized list":                     "select length(list_resize([1], 4000000000))",
	"a reduction over a range":           "select list_reduce(range(1000000000), lambda a, b: a + b)",
	"a split text":                       "select length(string_split(repeat('a,', 500000000), ','))",
}

// quickBombs are those that a run with -short sets off: one that takes time, one that
// takes memory.
var quickBombs = []string{"the distance of long texts", "a list of 300 million"}

// ends are what may become of a bomb.
var ends = []string{"out_of_memory", "deadline", "sql_crashed"}

func TestABombEndsAndItsNeighboursGoOn(t *testing.T) {
	w := newWorld(t, sqlrun.Config{Memory: 256 << 20, AtOnce: 2})
	w.events(t, "web", 1000)
	for claim, bomb := range bombs {
		if testing.Short() && !slices.Contains(quickBombs, claim) {
			continue
		}
		t.Run(claim, func(t *testing.T) {
			ended := make(chan error, 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			go func() {
				_, err := w.ask(ctx, bomb)
				ended <- err
			}()
			neighbours := 0
			for neighbours == 0 || len(ended) == 0 {
				got, err := w.ask(t.Context(), "select event, count(*) from web group by 1 order by 1")
				if diff := cmp.Diff([][]string{{`"buy"`, "500"}, {`"view"`, "500"}}, show(got)); err != nil || diff != "" {
					t.Fatalf("a neighbour: %v\n%s", err, diff)
				}
				neighbours++
			}
			if err := <-ended; !slices.Contains(ends, codeOf(err)) {
				t.Errorf("it gives %v", err)
			}
		})
	}
}
