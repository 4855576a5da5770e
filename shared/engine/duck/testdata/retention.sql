SELECT c0, c1, CASE WHEN c3 = 'signup' THEN 1 ELSE 0 END + 2::BIGINT, c2
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "p___55__52__4c" AS c2, "event" AS c3 FROM read_parquet(['a', 'c']) WHERE "time" >= make_timestamp(1767225600000000) AND "time" < make_timestamp(1768867200000000)
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(NULL AS VARCHAR) AS c2, "event" AS c3 FROM read_parquet(['b']) WHERE "time" >= make_timestamp(1767225600000000) AND "time" < make_timestamp(1768867200000000)
UNION ALL SELECT p4 AS c0, p2 AS c1, p8 AS c2, p1 AS c3 FROM tail1 WHERE p2 >= 1767225600000000 AND p2 < 1768867200000000 AND rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL
