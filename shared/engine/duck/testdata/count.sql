SELECT count(*)
FROM (SELECT 1 FROM read_parquet(['a', 'b', 'c', 'd'])
UNION ALL SELECT 1 FROM tail1 WHERE rowid < 7) r
