WITH r AS (
SELECT c0 s, c1 t, coalesce(c3 = 'page_viewed', false) m0, coalesce(c3 = 'signup', false) m1, coalesce(c4 > '0'::DOUBLE, false) m2, coalesce(c3 = 'error', false) x0, c2 d0
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "p_url" AS c2, "event" AS c3, "p_revenue" AS c4 FROM read_parquet(['a', 'c'])
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(to_json("p_url") AS VARCHAR) AS c2, "event" AS c3, CAST("p_revenue" AS DOUBLE) AS c4 FROM read_parquet(['b'])
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(NULL AS VARCHAR) AS c2, "event" AS c3, CAST(NULL AS DOUBLE) AS c4 FROM read_parquet(['d'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p9 AS c2, p1 AS c3, p10 AS c4 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND (coalesce(c3 = 'page_viewed', false) OR coalesce(c3 = 'signup', false) OR coalesce(c4 > '0'::DOUBLE, false) OR coalesce(c3 = 'error', false))),
g AS (
SELECT s, t, bool_or(m0) m0, bool_or(m1) m1, bool_or(m2) m2, bool_or(x0) x0, min(d0) FILTER (WHERE m0) d0 FROM r GROUP BY s, t),
g2 AS (
SELECT *, CASE WHEN m2 THEN [t] END f FROM g),
g1 AS (
SELECT * EXCLUDE (f, nf, nx), CASE WHEN m1 THEN list_prepend(t, CASE WHEN nf IS NULL OR nx < nf[1] THEN [] ELSE nf END) END f
FROM (SELECT *, first_value(f IGNORE NULLS) OVER (PARTITION BY s ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) nf, min(CASE WHEN x0 THEN t END) OVER (PARTITION BY s ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) nx FROM g2)),
g0 AS (
SELECT * EXCLUDE (f, nf), CASE WHEN m0 THEN list_prepend(t, coalesce(nf, [])) END f
FROM (SELECT *, first_value(f IGNORE NULLS) OVER (PARTITION BY s ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) nf FROM g1)),
a AS (
SELECT *, CASE WHEN f[3] - t <= 86400000000 THEN 3 WHEN f[2] - t <= 86400000000 THEN 2 ELSE 1 END n FROM g0 WHERE f IS NOT NULL),
best AS (
SELECT s, arg_min(struct_pack(t := t, n := n, f := f, d0 := d0), (3 - n)::HUGEINT * 18446744073709551616 + t) b FROM a GROUP BY s)
SELECT (b.t + 3600000000 - 1766966400000000) // 604800000000 + 2921, b.d0, count(*), count(*) FILTER (WHERE b.n >= 2), count(*) FILTER (WHERE b.n >= 3), quantile_cont(b.f[2] - b.t, 0::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.25::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.5::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.75::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.95::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 1::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[3] - b.t, 0::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 0.25::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 0.5::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 0.75::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 0.95::DOUBLE) FILTER (WHERE b.n >= 3), quantile_cont(b.f[3] - b.t, 1::DOUBLE) FILTER (WHERE b.n >= 3)
FROM best
GROUP BY 1, 2
ORDER BY 1 ASC NULLS LAST, 2 ASC NULLS LAST
LIMIT 334
