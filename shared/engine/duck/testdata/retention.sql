WITH r AS (
SELECT c0 s, c1 t, coalesce(c3 = 'signup', false) a, true b, c2 d0
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "p___55__52__4c" AS c2, "event" AS c3 FROM read_parquet(['a', 'c']) WHERE "time" >= make_timestamp(1767225600000000) AND "time" < make_timestamp(1768867200000000)
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(NULL AS VARCHAR) AS c2, "event" AS c3 FROM read_parquet(['b']) WHERE "time" >= make_timestamp(1767225600000000) AND "time" < make_timestamp(1768867200000000)
UNION ALL SELECT p4 AS c0, p2 AS c1, p8 AS c2, p1 AS c3 FROM tail1 WHERE p2 >= 1767225600000000 AND p2 < 1768867200000000 AND rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND (coalesce(c3 = 'signup', false) OR true)),
p AS (
SELECT s, (t + (-18000000000) - 1766966400000000) // 604800000000 + 2921 k, min(t) FILTER (WHERE a) a0, max(t) FILTER (WHERE b) b1, struct_extract(min(struct_pack(t := t, d := d0)) FILTER (WHERE a), 'd') d0
FROM r GROUP BY s, k),
c AS (
SELECT s, m.k k, m.a0 a0, m.d0 d0
FROM (SELECT s, arg_min(struct_pack(k := k, a0 := a0, d0 := d0), a0) m FROM p WHERE a0 IS NOT NULL GROUP BY s)),
sizes AS (
SELECT k, d0, -1 period, count(*) n FROM c GROUP BY 1, 2, 3),
returns AS (
SELECT c.k, c.d0, p.k - c.k period, count(*) n
FROM c JOIN p ON c.s = p.s AND p.k - c.k BETWEEN 0 AND 4 AND (p.k > c.k AND p.b1 IS NOT NULL OR p.b1 > c.a0)
GROUP BY 1, 2, 3)
SELECT * FROM sizes UNION ALL SELECT * FROM returns
ORDER BY 1 ASC NULLS LAST, 2 ASC NULLS LAST, 3 ASC NULLS LAST
LIMIT 100001
