SELECT c0, c1, CASE WHEN c2 IS NOT NULL THEN 1 ELSE 0 END + 0::BIGINT, c2
FROM (SELECT "user_id" AS c0, epoch_us("time") AS c1, "event" AS c2 FROM read_parquet(['a', 'b', 'c', 'd'])
UNION ALL SELECT p4 AS c0, p2 AS c1, p1 AS c2 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND (c2 IS NOT NULL)
