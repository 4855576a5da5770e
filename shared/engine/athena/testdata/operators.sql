SELECT count(*) AS v0, count(c1) FILTER (WHERE (c0 <= DOUBLE '1E+300' AND c0 >= DOUBLE '-5E-01')) AS v1
FROM (SELECT 1 AS one, COALESCE(CAST("p_revenue" AS DOUBLE), "p_revenue__float") AS c0, "p_n" AS c1, "p_paid" AS c2, "received_at" AS c3, "event" AS c4, "user_id" AS c5
FROM "tarn"."acme_web" FOR VERSION AS OF 4503599627370497
WHERE "time" >= TIMESTAMP '1970-01-01 00:00:00.000000' AND "time" < TIMESTAMP '2026-02-01 00:00:00.000001'
AND "$path" NOT IN ('s3://bucket/t/acme/d/web/rows/merged''s')) r
WHERE (c2 <> true AND c3 >= TIMESTAMP '2026-01-02 03:04:05.000006' AND c4 LIKE '%5\%\_\\''' ESCAPE '\' AND c1 IN (BIGINT '-9223372036854775808', 0, 9223372036854775807) AND c5 IS NOT NULL AND c1 <> c1 AND c4 NOT IN ('a', 'b') AND starts_with(c4, 'c'))
