WITH r AS (
SELECT c0 s, c1 t, coalesce(c3 = 'a', false) m0, coalesce(c3 = 'b', false) m1, coalesce(c3 = 'c', false) m2, c2 d0
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "p___55__52__4c" AS c2, "event" AS c3 FROM read_parquet(['a', 'c'])
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(NULL AS VARCHAR) AS c2, "event" AS c3 FROM read_parquet(['b', 'd'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p8 AS c2, p1 AS c3 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND (coalesce(c3 = 'a', false) OR coalesce(c3 = 'b', false) OR coalesce(c3 = 'c', false))),
x0 AS (
SELECT s, t, t t1, min(d0) d0 FROM r WHERE m0 GROUP BY s, t),
x1 AS (
SELECT a.*, b.t t2 FROM x0 a ASOF LEFT JOIN (SELECT s, t FROM r WHERE m1) b ON a.s = b.s AND coalesce(a.t1, 9223372036854775807) < b.t),
x2 AS (
SELECT a.*, b.t t3 FROM x1 a ASOF LEFT JOIN (SELECT s, t FROM r WHERE m2) b ON a.s = b.s AND coalesce(a.t2, 9223372036854775807) < b.t),
a AS (
SELECT *, [t1, t2, t3] f, CASE WHEN t3 - t <= 604800000000 THEN 3 WHEN t2 - t <= 604800000000 THEN 2 ELSE 1 END n FROM x2),
best AS (
SELECT s, arg_min(struct_pack(t := t, n := n, f := f, d0 := d0), (3 - n)::HUGEINT * 18446744073709551616 + t) b FROM a GROUP BY s)
SELECT b.d0, count(*), count(*) FILTER (WHERE b.n >= 2), count(*) FILTER (WHERE b.n >= 3), quantile_cont(b.f[2] - b.t, 0::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.25::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.5::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.75::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.95::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 1::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[3] - b.t, 0::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 0.25::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 0.5::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 0.75::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 0.95::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 1::DOUBLE) FILTER (WHERE b.n >= 3)
FROM best
GROUP BY 1
ORDER BY 2 DESC NULLS LAST, 1 ASC NULLS LAST
LIMIT 334
