SELECT sum(c0), avg(c0), favg(c1), min(c2), max(c3), quantile_cont(c0, '0.5'::DOUBLE), quantile_cont(c1, '0.95'::DOUBLE) FILTER (WHERE c1 >= '1e+06'::DOUBLE)
FROM (SELECT "p_n" AS c0, "p_revenue" AS c1, epoch_us("time") AS c2, "p___55__52__4c" AS c3 FROM read_parquet(['a', 'c'])
UNION ALL SELECT CAST(NULL AS BIGINT) AS c0, CAST("p_revenue" AS DOUBLE) AS c1, epoch_us("time") AS c2, CAST(NULL AS VARCHAR) AS c3 FROM read_parquet(['b'])
UNION ALL SELECT CAST(NULL AS BIGINT) AS c0, CAST(NULL AS DOUBLE) AS c1, epoch_us("time") AS c2, CAST(NULL AS VARCHAR) AS c3 FROM read_parquet(['d'])
UNION ALL SELECT p11 AS c0, p10 AS c1, p2 AS c2, p8 AS c3 FROM tail1 WHERE rowid < 7) r
