SELECT c0, c1, CASE WHEN c3 = 'a' THEN 1 ELSE 0 END + CASE WHEN c3 = 'b' THEN 2 ELSE 0 END + CASE WHEN c3 = 'c' THEN 4 ELSE 0 END + 0::BIGINT, c2
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "p___55__52__4c" AS c2, "event" AS c3 FROM read_parquet(['a', 'c'])
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(NULL AS VARCHAR) AS c2, "event" AS c3 FROM read_parquet(['b', 'd'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p8 AS c2, p1 AS c3 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND (c3 = 'a' OR c3 = 'b' OR c3 = 'c')
