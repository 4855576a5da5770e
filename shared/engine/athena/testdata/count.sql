SELECT count(*) AS v0
FROM (SELECT 1 AS one
FROM "tarn"."acme_web" FOR VERSION AS OF 4503599627370497
WHERE "time" >= TIMESTAMP '1970-01-01 00:00:00.000000' AND "time" < TIMESTAMP '2026-02-01 00:00:00.000001'
AND "$path" NOT IN ('s3://bucket/t/acme/d/web/rows/merged''s')) r
