package main

// question asks the same of Tarn, in DuckDB's SQL about the files f (which PostgreSQL
// is asked too, with a table for f), and in ClickHouse's.
type question struct {
	name       string
	tarn       string
	sql        string // {f} stands for the rows, {day} for the day of a row
	clickhouse string // as sql, where it differs
	postgres   string // as sql, where it differs
}

const funnelSQL = `WITH a AS (SELECT user_id, min(time) t FROM {f} WHERE event = 'page_viewed' GROUP BY 1),
	b AS (SELECT f.user_id, min(f.time) t FROM {f} f JOIN a ON f.user_id = a.user_id AND f.time > a.t WHERE f.event = 'product_viewed' GROUP BY 1),
	c AS (SELECT f.user_id, min(f.time) t FROM {f} f JOIN b ON f.user_id = b.user_id AND f.time > b.t WHERE f.event = 'bought' GROUP BY 1)
	SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM c)`

const funnelClickHouse = `SELECT countIf(l >= 1), countIf(l >= 2), countIf(l >= 3) FROM (SELECT user_id,
	windowFunnel(34560000000000)(toUInt64(toUnixTimestamp64Micro(time)), event = 'page_viewed', event = 'product_viewed', event = 'bought') l FROM {f} GROUP BY 1)`

const retentionSQL = `WITH d AS (SELECT DISTINCT user_id, {day} AS day FROM {f}), c AS (SELECT user_id, min(day) AS c FROM d GROUP BY 1)
	SELECT c.c, d.day - c.c AS k, count(*) FROM d JOIN c ON d.user_id = c.user_id WHERE d.day > c.c GROUP BY 1, 2 ORDER BY 1, 2`

const day = `"time": {"grain": "day"}`

// questions are the ten; the first five are the dashboard.
var questions = []question{
	{name: "daily count and sum", tarn: `{"dataset":"clicks","measures":["count",{"op":"sum","column":"revenue"}],` + day + `}`,
		sql: `SELECT {day}, count(*), sum(p_revenue) FROM {f} GROUP BY 1 ORDER BY 1`},
	{name: "top 10 urls", tarn: `{"dataset":"clicks","measures":["count"],"dimensions":["url"],"order":[{"by":"count","desc":true}],"limit":10}`,
		sql: `SELECT p_url, count(*) FROM {f} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`},
	{name: "exact users a day", tarn: `{"dataset":"clicks","measures":[{"op":"count_distinct","column":"user_id"}],` + day + `}`,
		sql: `SELECT {day}, count(DISTINCT user_id) FROM {f} GROUP BY 1 ORDER BY 1`, clickhouse: `SELECT {day}, uniqExact(user_id) FROM {f} GROUP BY 1 ORDER BY 1`},
	{name: "funnel of 3 steps", tarn: `{"dataset":"clicks","kind":"funnel","window":"400d","steps":[{"name":"a","filter":{"column":"event","op":"=","value":"page_viewed"}},
		{"name":"b","filter":{"column":"event","op":"=","value":"product_viewed"}},{"name":"c","filter":{"column":"event","op":"=","value":"bought"}}]}`,
		sql: funnelSQL, clickhouse: funnelClickHouse},
	{name: "retention by day", tarn: `{"dataset":"clicks","kind":"retention","periods":60,"limit":100000,` + day + `}`, sql: retentionSQL},
	{name: "p95 of revenue a day", tarn: `{"dataset":"clicks","measures":[{"op":"quantile","column":"revenue","q":0.95}],` + day + `}`,
		sql: `SELECT {day}, quantile_cont(p_revenue, 0.95) FROM {f} GROUP BY 1 ORDER BY 1`, clickhouse: `SELECT {day}, quantileExactInclusive(0.95)(p_revenue) FROM {f} GROUP BY 1 ORDER BY 1`,
		postgres: `SELECT {day}, percentile_cont(0.95) WITHIN GROUP (ORDER BY p_revenue) FROM {f} GROUP BY 1 ORDER BY 1`},
	{name: "p95 of revenue", tarn: `{"dataset":"clicks","measures":[{"op":"quantile","column":"revenue","q":0.95}]}`,
		sql: `SELECT quantile_cont(p_revenue, 0.95) FROM {f}`},
	{name: "one user", tarn: `{"dataset":"clicks","measures":["count"],"filter":{"column":"user_id","op":"=","value":"u77"}}`,
		sql: `SELECT count(*) FROM {f} WHERE user_id = 'u77'`},
	{name: "one hour", tarn: `{"dataset":"clicks","measures":["count",{"op":"sum","column":"revenue"}],"time":{"from":"2026-01-20T10:00:00Z","to":"2026-01-20T11:00:00Z"}}`,
		sql: `SELECT count(*), sum(p_revenue) FROM {f} WHERE time >= '2026-01-20 10:00:00' AND time < '2026-01-20 11:00:00'`},
	{name: "7 days of a country", tarn: `{"dataset":"clicks","measures":["count"],"dimensions":["device"],"filter":{"column":"country","op":"=","value":"CH"},
		"time":{"from":"2026-01-20T00:00:00Z","to":"2026-01-27T00:00:00Z"}}`,
		sql: `SELECT p_device, count(*) FROM {f} WHERE p_country = 'CH' AND time >= '2026-01-20 00:00:00' AND time < '2026-01-27 00:00:00' GROUP BY 1 ORDER BY 1`},
}

// dashboard is how many of the questions a dashboard asks.
const dashboard = 5
