WITH r AS (
SELECT c0 s, c1 t, c2 v
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "event" AS c2 FROM read_parquet(['a', 'b', 'c', 'd'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p1 AS c2 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND (c2 IS NOT NULL)),
q AS (
SELECT *, lag(v) OVER (PARTITION BY s ORDER BY t, v) p FROM r),
z AS (
SELECT *, lead(v, 1) OVER (PARTITION BY s ORDER BY t, v) v1, lead(v, 2) OVER (PARTITION BY s ORDER BY t, v) v2, lag(v) OVER (PARTITION BY s ORDER BY t, v) w
FROM (SELECT * FROM q WHERE p IS NULL OR p <> v))
SELECT v, v1, v2, count(*), count(DISTINCT s)
FROM z WHERE v = 'signup'
GROUP BY 1, 2, 3
ORDER BY 4 DESC NULLS LAST, 1 ASC NULLS LAST, 2 ASC NULLS LAST, 3 ASC NULLS LAST
LIMIT 1001
