SELECT count(*) FROM (SELECT c0 s FROM (SELECT "anonymous_id" AS c0, "event" AS c1 FROM read_parquet(['a', 'b', 'c', 'd'])
UNION ALL SELECT p5 AS c0, p1 AS c1 FROM tail1 WHERE rowid < 7) r
WHERE c0 IS NOT NULL
GROUP BY c0
HAVING ((count(*) FILTER (WHERE c1 = 'buy') >= 1) AND (NOT (count(*) FILTER (WHERE c1 = 'refund') BETWEEN 2 AND 5))))
