SELECT (year(make_timestamp(c0 - (-20700000000))) * 12 + month(make_timestamp(c0 - (-20700000000))) + 359999) // 12 - 30000, count(*)
FROM (SELECT CAST(1767225600000000 AS BIGINT) AS c0 FROM read_parquet(['a', 'b']) WHERE "time" >= make_timestamp(1768003200000000)
UNION ALL SELECT CAST(1769904000000000 AS BIGINT) AS c0 FROM read_parquet(['d'])
UNION ALL SELECT p2 AS c0 FROM tail1 WHERE p2 >= 1768003200000000 AND rowid < 7) r
GROUP BY (year(make_timestamp(c0 - (-20700000000))) * 12 + month(make_timestamp(c0 - (-20700000000))) + 359999) // 12
ORDER BY 1 ASC NULLS LAST
LIMIT 1001
