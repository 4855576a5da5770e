WITH r AS (
SELECT c0 s, c1 t, coalesce(c2 = 'a', false) m0, coalesce(c2 = 'b', false) m1, coalesce(c2 = 'error', false) x0
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "event" AS c2 FROM read_parquet(['a', 'b', 'c', 'd'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p1 AS c2 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND (coalesce(c2 = 'a', false) OR coalesce(c2 = 'b', false) OR coalesce(c2 = 'error', false))),
g AS (
SELECT s, t, bool_or(m0) m0, bool_or(m1) m1, bool_or(x0) x0 FROM r GROUP BY s, t),
a AS (
SELECT *, list_sort([CASE WHEN n0 - t <= 604800000000 AND (nx IS NULL OR nx >= n0) THEN n0 END, CASE WHEN n1 - t <= 604800000000 AND (nx IS NULL OR nx >= n1) THEN n1 END], 'ASC', 'NULLS LAST') f, CASE WHEN n0 - t <= 604800000000 AND (nx IS NULL OR nx >= n0) THEN 1 ELSE 0 END + CASE WHEN n1 - t <= 604800000000 AND (nx IS NULL OR nx >= n1) THEN 1 ELSE 0 END n
FROM (SELECT *, min(CASE WHEN m0 THEN t END) OVER (PARTITION BY s ORDER BY t ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) n0, min(CASE WHEN m1 THEN t END) OVER (PARTITION BY s ORDER BY t ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) n1, min(CASE WHEN x0 THEN t END) OVER (PARTITION BY s ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) nx FROM g) WHERE (m0 OR m1)),
best AS (
SELECT s, arg_min(struct_pack(t := t, n := n, f := f), (2 - n)::HUGEINT * 18446744073709551616 + t) b FROM a GROUP BY s)
SELECT count(*), count(*) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.25::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.5::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.75::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 0.95::DOUBLE) FILTER (WHERE b.n >= 2), quantile_cont(b.f[2] - b.t, 1::DOUBLE) FILTER (WHERE b.n >= 2)
FROM best
