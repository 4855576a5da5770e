SELECT c0, c1, c2, c3, c4, count(*) FILTER (WHERE contains(c1, '''; DROP TABLE tail1; --'))
FROM (SELECT "p_q__22uote" AS c0, "p___55__52__4c" AS c1, "p_url" AS c2, CAST("event_id" AS VARCHAR) AS c3, json_extract_string("properties", '/a~1b~0''c') AS c4, "event" AS c5, "p_n" AS c6 FROM read_parquet(['a', 'c'])
UNION ALL SELECT tarn_float_text("p_q__22uote") AS c0, CAST(NULL AS VARCHAR) AS c1, CAST(to_json("p_url") AS VARCHAR) AS c2, "event_id" AS c3, json_extract_string("properties", '/a~1b~0''c') AS c4, "event" AS c5, CAST(NULL AS BIGINT) AS c6 FROM read_parquet(['b'])
UNION ALL SELECT CAST(NULL AS VARCHAR) AS c0, CAST(NULL AS VARCHAR) AS c1, CAST(NULL AS VARCHAR) AS c2, "event_id" AS c3, json_extract_string("properties", '/a~1b~0''c') AS c4, "event" AS c5, CAST(NULL AS BIGINT) AS c6 FROM read_parquet(['d'])
UNION ALL SELECT p12 AS c0, p8 AS c1, p9 AS c2, p0 AS c3, json_extract_string(p7, '/a~1b~0''c') AS c4, p1 AS c5, p11 AS c6 FROM tail1 WHERE rowid < 7) r
WHERE (coalesce(c5 IN (('' || chr(0) || ''), '\'''), NULL) OR (NOT (c6 >= 2 AND c1 IS NULL)))
GROUP BY 1, 2, 3, 4, 5
ORDER BY c0 IS NULL, 1 ASC NULLS LAST, 2 ASC NULLS LAST, 3 ASC NULLS LAST, 4 ASC NULLS LAST, 5 ASC NULLS LAST
LIMIT 1001
