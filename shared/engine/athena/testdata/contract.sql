SELECT s + 3600 - (s + 3600 - 1766880000) % 86400 AS v0, c1 AS v1, count(*) AS v2, count(DISTINCT c2) AS v3, sum(c3) AS v4, sum(abs(c3)) AS v5
FROM (SELECT 1 AS one, "time" AS c0, "event" AS c1, "user_id" AS c2, COALESCE(CAST("p_revenue" AS DOUBLE), "p_revenue__float") AS c3, date_diff('second', TIMESTAMP '0001-01-01 00:00:00', "time") - 62135596800 AS s
FROM "tarn"."acme_web" FOR VERSION AS OF 4503599627370497
WHERE "time" >= TIMESTAMP '2026-01-01 00:00:00.000000' AND "time" < TIMESTAMP '2026-02-01 00:00:00.000000'
AND "$path" NOT IN ('s3://bucket/t/acme/d/web/rows/merged''s')) r
WHERE c1 = 'page_viewed'
GROUP BY 1, 2
ORDER BY 3 DESC NULLS LAST, 1 ASC NULLS LAST, 2 ASC NULLS LAST
LIMIT 101
