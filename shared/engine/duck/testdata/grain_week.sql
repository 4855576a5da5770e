SELECT (c0 + (-18000000000) - 1766966400000000) // 604800000000 + 2921, count(*)
FROM (SELECT epoch_us("time") AS c0 FROM read_parquet(['a', 'b']) WHERE "time" >= make_timestamp(1768003200000000)
UNION ALL SELECT epoch_us("time") AS c0 FROM read_parquet(['d'])
UNION ALL SELECT p2 AS c0 FROM tail1 WHERE p2 >= 1768003200000000 AND rowid < 7) r
GROUP BY 1
ORDER BY 1 ASC NULLS LAST
LIMIT 1001
