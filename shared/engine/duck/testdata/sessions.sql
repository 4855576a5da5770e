SELECT c0, c1, 1::BIGINT, c2
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "p___55__52__4c" AS c2 FROM read_parquet(['a', 'c'])
UNION ALL SELECT "user_id" AS c0, epoch_us("time") AS c1, CAST(NULL AS VARCHAR) AS c2 FROM read_parquet(['b', 'd'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p8 AS c2 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL
