WITH r AS (
SELECT c0 s, c1 t, c2 d0
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "p___55__52__4c" AS c2 FROM read_parquet(['a', 'c'])
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(NULL AS VARCHAR) AS c2 FROM read_parquet(['b', 'd'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p8 AS c2 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL),
w AS (
SELECT *, CASE WHEN t - lag(t) OVER (PARTITION BY s ORDER BY t) <= 1200000000 THEN 0 ELSE 1 END begins FROM r),
v AS (
SELECT *, sum(begins) OVER (PARTITION BY s ORDER BY t) id FROM w),
x AS (
SELECT s, id, min(t) t, max(t) - min(t) micros, count(*) n, struct_extract(max(struct_pack(t := t, d := d0)), 'd') d0
FROM v GROUP BY s, id)
SELECT (t + 0 - 1766880000000000) // 86400000000 + 20450, d0, count(*), count(DISTINCT s), coalesce(sum(n), 0), count(*) FILTER (WHERE n = 1), count(*) FILTER (WHERE n = 1) / nullif(count(*), 0), avg(micros) / 1e6, quantile_cont(micros, 0.5::DOUBLE) / 1e6
FROM x
GROUP BY 1, 2
ORDER BY 1 ASC NULLS LAST, 2 ASC NULLS LAST
LIMIT 1001
