SELECT (c0 - 1766876400000000) // 86400000000 + 20450, c1, count(*), count(DISTINCT c2), fsum(c3)
FROM (SELECT epoch_us("time") AS c0, "event" AS c1, "user_id" AS c2, "p_revenue" AS c3 FROM read_parquet(['a', 'c'])
UNION ALL SELECT epoch_us("time") AS c0, "event" AS c1, "user_id" AS c2, CAST("p_revenue" AS DOUBLE) AS c3 FROM read_parquet(['b']) WHERE "time" >= make_timestamp(1767225600000000) AND "time" < make_timestamp(1769904000000000)
UNION ALL SELECT p2 AS c0, p1 AS c1, p4 AS c2, p10 AS c3 FROM tail1 WHERE p2 >= 1767225600000000 AND p2 < 1769904000000000 AND rowid < 7) r
WHERE c1 = 'page_viewed'
GROUP BY (c0 - 1766876400000000) // 86400000000, 2
ORDER BY 3 DESC NULLS LAST, 1 ASC NULLS LAST, 2 ASC NULLS LAST
LIMIT 101
