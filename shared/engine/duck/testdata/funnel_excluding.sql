SELECT c0, c1, CASE WHEN c3 = 'page_viewed' THEN 1 ELSE 0 END + CASE WHEN c3 = 'signup' THEN 2 ELSE 0 END + CASE WHEN c4 > '0'::DOUBLE THEN 4 ELSE 0 END + CASE WHEN c3 = 'error' THEN 8 ELSE 0 END + 0::BIGINT, c2
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "p_url" AS c2, "event" AS c3, "p_revenue" AS c4 FROM read_parquet(['a', 'c'])
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(to_json("p_url") AS VARCHAR) AS c2, "event" AS c3, CAST("p_revenue" AS DOUBLE) AS c4 FROM read_parquet(['b'])
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(NULL AS VARCHAR) AS c2, "event" AS c3, CAST(NULL AS DOUBLE) AS c4 FROM read_parquet(['d'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p9 AS c2, p1 AS c3, p10 AS c4 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND (c3 = 'page_viewed' OR c3 = 'signup' OR c4 > '0'::DOUBLE OR c3 = 'error')
