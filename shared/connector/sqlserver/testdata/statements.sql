SET LOCK_TIMEOUT 30000; SET TEXTSIZE -1; SET ANSI_NULLS ON; SET QUOTED_IDENTIFIER ON; SET ARITHABORT ON; SET DATEFORMAT ymd; SET DEADLOCK_PRIORITY LOW;
select 1;;
SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID();
SELECT s.name, o.name, c.name, COALESCE(b.name, y.name), c.is_nullable, c.precision, c.scale, c.max_length, COALESCE(c.collation_name, ''), COALESCE(k.key_ordinal, 0)
FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = o.object_id
	JOIN sys.types y ON y.user_type_id = c.user_type_id LEFT JOIN sys.types b ON b.user_type_id = c.system_type_id
	LEFT JOIN sys.indexes i ON i.object_id = o.object_id AND i.is_primary_key = 1
	LEFT JOIN sys.index_columns k ON k.object_id = o.object_id AND k.index_id = i.index_id AND k.column_id = c.column_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name, c.column_id;
SELECT s.name, o.name, c.name, COALESCE(b.name, y.name), c.is_nullable, c.precision, c.scale, c.max_length, COALESCE(c.collation_name, ''), COALESCE(k.key_ordinal, 0)
FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = o.object_id
	JOIN sys.types y ON y.user_type_id = c.user_type_id LEFT JOIN sys.types b ON b.user_type_id = c.system_type_id
	LEFT JOIN sys.indexes i ON i.object_id = o.object_id AND i.is_primary_key = 1
	LEFT JOIN sys.index_columns k ON k.object_id = o.object_id AND k.index_id = i.index_id AND k.column_id = c.column_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND s.name = N'dbo' AND o.name = N'things' ORDER BY s.name, o.name, c.column_id;
SELECT t.[id], t.[at], t.[name] FROM [dbo].[things] AS t;
SELECT MAX(t.[at]) FROM [dbo].[things] AS t WHERE t.[at] IS NOT NULL;
SELECT t.[at], t.[name], t.[id] FROM [dbo].[things] AS t WHERE t.[at] IS NOT NULL AND t.[at] <= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) ORDER BY t.[at], t.[name], t.[id] OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY;
SELECT t.[id], t.[at], t.[name] FROM [dbo].[things] AS t WHERE t.[at] IS NOT NULL AND t.[at] <= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND t.[at] <= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND (t.[at] < CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) OR t.[at] = CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND (1 = 0 OR t.[name] IS NULL AND (t.[id] < CAST(1 AS bigint) OR t.[id] = CAST(1 AS bigint)))) ORDER BY t.[at], t.[name], t.[id];
SELECT t.[at], t.[name], t.[id] FROM [dbo].[things] AS t WHERE t.[at] IS NOT NULL AND t.[at] <= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND t.[at] >= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND (t.[at] > CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) OR t.[at] = CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND (t.[name] IS NOT NULL OR t.[name] IS NULL AND t.[id] > CAST(1 AS bigint))) ORDER BY t.[at], t.[name], t.[id] OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY;
SELECT t.[id], t.[at], t.[name] FROM [dbo].[things] AS t WHERE t.[at] IS NOT NULL AND t.[at] <= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND t.[at] >= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND (t.[at] > CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) OR t.[at] = CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND (t.[name] IS NOT NULL OR t.[name] IS NULL AND t.[id] > CAST(1 AS bigint))) ORDER BY t.[at], t.[name], t.[id];
SELECT t.[at], t.[name], t.[id] FROM [dbo].[things] AS t WHERE t.[at] IS NOT NULL AND t.[at] <= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND t.[at] >= CAST('2026-03-29T11:50:00.0000000' AS datetime2(7)) ORDER BY t.[at], t.[name], t.[id] OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY;
SELECT t.[id], t.[at], t.[name] FROM [dbo].[things] AS t WHERE t.[at] IS NOT NULL AND t.[at] <= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND t.[at] >= CAST('2026-03-29T11:50:00.0000000' AS datetime2(7)) AND t.[at] <= CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND (t.[at] < CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) OR t.[at] = CAST('2026-03-29T12:00:00.0000000' AS datetime2(7)) AND (1 = 0 OR t.[name] IS NULL AND (t.[id] < CAST(1 AS bigint) OR t.[id] = CAST(1 AS bigint)))) ORDER BY t.[at], t.[name], t.[id];
SELECT MAX(t.[id]) FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL;
SELECT t.[id] FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL AND t.[id] <= CAST(2 AS bigint) ORDER BY t.[id] OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY;
SELECT t.[id], t.[at], t.[name] FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL AND t.[id] <= CAST(2 AS bigint) AND t.[id] <= CAST(1 AS bigint) AND (t.[id] < CAST(1 AS bigint) OR t.[id] = CAST(1 AS bigint)) ORDER BY t.[id];
SELECT t.[id] FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL AND t.[id] <= CAST(2 AS bigint) AND t.[id] >= CAST(1 AS bigint) AND t.[id] > CAST(1 AS bigint) ORDER BY t.[id] OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY;
SELECT t.[id], t.[at], t.[name] FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL AND t.[id] <= CAST(2 AS bigint) AND t.[id] >= CAST(1 AS bigint) AND t.[id] > CAST(1 AS bigint) ORDER BY t.[id];
SELECT t.[id] FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL AND t.[id] <= CAST(2 AS bigint) AND t.[id] >= CAST(-998 AS bigint) ORDER BY t.[id] OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY;
SELECT t.[id], t.[at], t.[name] FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL AND t.[id] <= CAST(2 AS bigint) AND t.[id] >= CAST(-998 AS bigint) AND t.[id] <= CAST(1 AS bigint) AND (t.[id] < CAST(1 AS bigint) OR t.[id] = CAST(1 AS bigint)) ORDER BY t.[id];
SELECT t.[id] FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL AND t.[id] <= CAST(2 AS bigint) AND t.[id] > CAST(2 AS bigint) ORDER BY t.[id] OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY;
SELECT t.[id], t.[at], t.[name] FROM [dbo].[things] AS t WHERE t.[id] IS NOT NULL AND t.[id] <= CAST(2 AS bigint) AND t.[id] > CAST(2 AS bigint) ORDER BY t.[id];
SELECT s.name, o.name, c.name, COALESCE(b.name, y.name), c.is_nullable, c.precision, c.scale, c.max_length, COALESCE(c.collation_name, ''), COALESCE(k.key_ordinal, 0)
FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = o.object_id
	JOIN sys.types y ON y.user_type_id = c.user_type_id LEFT JOIN sys.types b ON b.user_type_id = c.system_type_id
	LEFT JOIN sys.indexes i ON i.object_id = o.object_id AND i.is_primary_key = 1
	LEFT JOIN sys.index_columns k ON k.object_id = o.object_id AND k.index_id = i.index_id AND k.column_id = c.column_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND s.name = N'dbo' AND o.name = N'it''s' ORDER BY s.name, o.name, c.column_id;
SELECT t.[a]]b] FROM [dbo].[it's] AS t;
