SELECT c0 AS v0, c1 AS v1, c2 AS v2, count(*) FILTER (WHERE strpos(c0, '''; DROP TABLE r; --') > 0) AS v3
FROM (SELECT 1 AS one, "p___55__52__4c" AS c0, COALESCE(CAST("p_url" AS VARCHAR), "p_url__json") AS c1, COALESCE("event_id", CAST("event_uuid" AS VARCHAR)) AS c2, "event" AS c3, "p_n" AS c4
FROM "tarn"."acme_web" FOR VERSION AS OF 4503599627370497
WHERE "time" >= TIMESTAMP '1970-01-01 00:00:00.000000' AND "time" < TIMESTAMP '2026-02-01 00:00:00.000001'
AND "$path" NOT IN ('s3://bucket/t/acme/d/web/rows/merged''s')) r
WHERE (c3 IN (('' || chr(0) || ''), '\''') OR (NOT (c4 >= 2 AND c0 IS NULL)))
GROUP BY 1, 2, 3
ORDER BY 1 ASC NULLS LAST, 2 ASC NULLS LAST, 3 ASC NULLS LAST
LIMIT 1001
