package duck_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
)

const (
	benchDays = 10
	benchRows = 200_000 // of each day
	benchFrom = int64(1767225600_000000)
)

var shape = &events.Shape{Names: []string{"url", "country", "revenue"}}

func benchEvent(r *rand.Rand, i int, at int64) *events.Event {
	return &events.Event{
		ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), i), Name: []string{"page_viewed", "clicked", "bought"}[min(r.IntN(10)/4, 2)], Time: at,
		UserID: fmt.Sprint("u", r.IntN(50_000)), SessionID: fmt.Sprint("s", r.IntN(100_000)), Shape: shape,
		Values: []events.Value{{Kind: events.Text, Text: fmt.Sprint("/p/", int(1000*r.Float64()*r.Float64()))}, {Kind: events.Text, Text: []string{"CH", "DE", "FR", "US"}[r.IntN(4)]}, {Kind: events.Float, Float: float64(r.IntN(10_000)) / 100}},
	}
}

// benchDataset writes a segment of each day.
func benchDataset(b *testing.B, store *folder) snapshot.Snapshot {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	over := snapshot.Snapshot{Dataset: dataset.Dataset{ID: "d", Kind: dataset.Events}, Release: func() {}}
	schema, _, _ := rows.Resolve(dataset.Schema{}, benchEvent(r, 0, 0), dataset.Keep)
	over.Schema = schema
	for day := range benchDays {
		builder := rows.NewBuilder(schema, dataset.Keep)
		for i := range benchRows {
			builder.Append(benchEvent(r, i, benchFrom+int64(day)*86_400_000_000+int64(i)*86_400_000_000/benchRows), 0)
		}
		origin := segment.Origin{Tenant: "t", Dataset: "d", Shard: "s", From: stream.Sequence(fmt.Sprint(day))}
		ref, err := segment.Write(b.Context(), store, origin, builder.View(), nil)
		if err != nil {
			b.Fatal(err)
		}
		over.Segments = append(over.Segments, ref)
	}
	return over
}

// benchQueries are questions, each beside the SQL that asks the same of the files.
var benchQueries = map[string][2]string{
	"count":        {`{"dataset":"d","measures":["count"]}`, `SELECT count(*) FROM f`},
	"by event":     {`{"dataset":"d","measures":["count"],"dimensions":["event"]}`, `SELECT event, count(*) FROM f GROUP BY 1 ORDER BY 1`},
	"daily sum":    {`{"dataset":"d","measures":["count",{"op":"sum","column":"revenue"}],"time":{"grain":"day","zone":"UTC"}}`, `SELECT date_trunc('day', time), count(*), sum(p_revenue) FROM f GROUP BY 1 ORDER BY 1`},
	"daily Zurich": {`{"dataset":"d","measures":["count"],"time":{"grain":"day","zone":"Europe/Zurich"}}`, `SELECT date_trunc('day', time::TIMESTAMPTZ), count(*) FROM f GROUP BY 1 ORDER BY 1`},
	"top urls":     {`{"dataset":"d","measures":["count"],"dimensions":["url"],"order":[{"by":"count","desc":true}],"limit":10}`, `SELECT p_url, count(*) FROM f GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`},
	"uniques":      {`{"dataset":"d","measures":[{"op":"count_distinct","column":"user_id"}],"time":{"grain":"day"}}`, `SELECT date_trunc('day', time), count(DISTINCT user_id) FROM f GROUP BY 1 ORDER BY 1`},
	"p95":          {`{"dataset":"d","measures":[{"op":"quantile","column":"revenue","q":0.95}]}`, `SELECT quantile_cont(p_revenue, 0.95) FROM f`},
	"one user":     {`{"dataset":"d","measures":["count"],"filter":{"column":"user_id","op":"=","value":"u77"}}`, `SELECT count(*) FROM f WHERE user_id = 'u77'`},
	"one hour":     {`{"dataset":"d","measures":["count"],"dimensions":["event"],"time":{"from":"2026-01-05T10:00:00Z","to":"2026-01-05T11:00:00Z"}}`, `SELECT event, count(*) FROM f WHERE time >= TIMESTAMP '2026-01-05 10:00:00' AND time < TIMESTAMP '2026-01-05 11:00:00' GROUP BY 1 ORDER BY 1`},
	"funnel": {`{"dataset":"d","kind":"funnel","window":"400d","steps":[{"filter":{"column":"event","op":"=","value":"page_viewed"}},{"filter":{"column":"event","op":"=","value":"bought"}}]}`,
		`WITH a AS (SELECT user_id, min(time) t FROM f WHERE event = 'page_viewed' GROUP BY 1)
		SELECT count(*), count(b.t) FROM a LEFT JOIN (SELECT f.user_id, min(f.time) t FROM f JOIN a ON f.user_id = a.user_id AND f.time > a.t WHERE f.event = 'bought' GROUP BY 1) b ON a.user_id = b.user_id`},
	"retention":  {`{"dataset":"d","kind":"retention","time":{"grain":"day"}}`, `WITH p AS (SELECT DISTINCT user_id, date_trunc('day', time) d FROM f), c AS (SELECT user_id, min(d) c FROM p GROUP BY 1) SELECT c, d - c, count(*) FROM p JOIN c ON p.user_id = c.user_id GROUP BY 1, 2 ORDER BY 1, 2`},
	"seven days": {`{"dataset":"d","measures":["count",{"op":"avg","column":"revenue"}],"dimensions":["country"],"time":{"from":"2026-01-02T00:00:00Z","to":"2026-01-09T00:00:00Z"}}`, `SELECT p_country, count(*), avg(p_revenue) FROM f WHERE time >= TIMESTAMP '2026-01-02' AND time < TIMESTAMP '2026-01-09' GROUP BY 1 ORDER BY 1`},
}

// BenchmarkOverhead prints, of each query, how much longer the engine takes than
// DuckDB asked directly about the same files: medians of interleaved runs.
func BenchmarkOverhead(b *testing.B) {
	dir := b.TempDir()
	store := &folder{memory{blobs: map[string][]byte{}}, dir}
	over := benchDataset(b, store)
	e := openFor(b, store, dir)
	raw, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("SET parquet_metadata_cache = true; SET preserve_insertion_order = false; SET TimeZone = 'UTC'"); err != nil {
		b.Fatal(err)
	}
	var paths []string
	for _, ref := range over.Segments {
		path, _ := store.Path(ref.Key)
		paths = append(paths, "'"+path+"'")
	}
	files := "read_parquet([" + strings.Join(paths, ", ") + "])"
	for name, q := range benchQueries {
		b.Run(name, func(b *testing.B) {
			plan := bindFor(b, q[0], over.Schema)
			statement := strings.ReplaceAll(q[1], "FROM f", "FROM "+files+" f")
			var ours, theirs []time.Duration
			for b.Loop() {
				ours = append(ours, timed(func() { mustRun(b, e, plan, over) }))
				theirs = append(theirs, timed(func() { drain(b, raw, statement) }))
			}
			a, z := median(ours), median(theirs)
			b.ReportMetric(float64(a.Microseconds())/1000, "ms-tarn")
			b.ReportMetric(float64(z.Microseconds())/1000, "ms-duckdb")
			b.ReportMetric(float64(a)/float64(z), "ratio")
		})
	}
}

// BenchmarkTailPoll prints what a query costs that follows 500 new rows, as when
// 50,000 events a second come in and a client asks every 10 ms.
func BenchmarkTailPoll(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	schema, _, _ := rows.Resolve(dataset.Schema{}, benchEvent(r, 0, 0), dataset.Keep)
	builder := rows.NewBuilder(schema, dataset.Keep)
	dir := b.TempDir()
	e := openFor(b, &folder{memory{blobs: map[string][]byte{}}, dir}, dir)
	over := snapshot.Snapshot{Dataset: dataset.Dataset{ID: "d", Kind: dataset.Events}, Schema: schema, Release: func() {}}
	plan := bindFor(b, `{"dataset":"d","measures":["count"],"filter":{"column":"user_id","op":"=","value":"marker"}}`, schema)
	var took []time.Duration
	for b.Loop() {
		for i := range 500 {
			builder.Append(benchEvent(r, i, benchFrom), 0)
		}
		over.Tail = []snapshot.Part{{ID: 1, Rows: builder.View()}}
		took = append(took, timed(func() { mustRun(b, e, plan, over) }))
	}
	slices.Sort(took)
	b.ReportMetric(float64(median(took).Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(builder.Len()), "rows-at-end")
}

func bindFor(b *testing.B, body string, schema dataset.Schema) query.Plan {
	b.Helper()
	r, err := query.Decode([]byte(body))
	if err != nil {
		b.Fatal(err)
	}
	program, err := query.Bind(r, query.Whole(dataset.Events, schema), nil)
	if err != nil {
		b.Fatal(err)
	}
	return planIn(b, program)
}

func mustRun(b *testing.B, e *duck.Engine, plan query.Plan, over snapshot.Snapshot) {
	if _, err := e.Run(b.Context(), plan, over); err != nil {
		b.Fatal(err)
	}
}

// drain runs a statement and reads its rows.
func drain(b *testing.B, db *sql.DB, statement string) {
	all, err := db.QueryContext(b.Context(), statement)
	if err != nil {
		b.Fatal(err)
	}
	defer all.Close()
	columns, err := all.Columns()
	if err != nil {
		b.Fatal(err)
	}
	values, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	for all.Next() {
		if err := all.Scan(places...); err != nil {
			b.Fatal(err)
		}
	}
	if err := all.Err(); err != nil {
		b.Fatal(err)
	}
}

func timed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
