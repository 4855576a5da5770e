SELECT sum(CAST(c0 AS DECIMAL(38, 0))) AS v0, CAST(sum(CAST(c0 AS DECIMAL(38, 0))) AS DOUBLE) / CAST(count(c0) AS DOUBLE) AS v1, avg(c1) AS v2, min(c2) AS v3, max(c3) AS v4, max(c4) AS v5, count(DISTINCT c5) AS v6, sum(CAST(c6 AS DECIMAL(38, 0))) AS v7, sum(c1) FILTER (WHERE c1 >= DOUBLE '1E+06') AS v8, avg(abs(c1)) AS v9, sum(abs(c1)) FILTER (WHERE c1 >= DOUBLE '1E+06') AS v10
FROM (SELECT 1 AS one, "p_n" AS c0, COALESCE(CAST("p_revenue" AS DOUBLE), "p_revenue__float") AS c1, "time" AS c2, "p___55__52__4c" AS c3, "p_paid" AS c4, COALESCE(CAST("p_url" AS VARCHAR), "p_url__json") AS c5, CAST(NULL AS BIGINT) AS c6
FROM "tarn"."acme_web" FOR VERSION AS OF 4503599627370497
WHERE "time" >= TIMESTAMP '1970-01-01 00:00:00.000000' AND "time" < TIMESTAMP '2026-02-01 00:00:00.000001'
AND "$path" NOT IN ('s3://bucket/t/acme/d/web/rows/merged''s')) r
