# Benchmarks: each prints a table of ratios measured in one run. They take one to three
# minutes each; LOAD passes flags on, for example LOAD="-rounds 10". See -help.

.PHONY: bench bench-ingest bench-freshness bench-query bench-storage bench-memory bench-compaction bench-jobs bench-dashboard bench-cached bench-files bench-models bench-producers
bench: bench-ingest bench-freshness bench-query bench-storage bench-memory bench-compaction bench-jobs bench-dashboard bench-cached bench-files bench-models bench-producers ## Run every benchmark

bench-ingest: build ## Durable ingest against its ceiling and PostgreSQL
	go run ./tests/load/ingest $(LOAD)

bench-freshness: build ## From an acknowledgement until a query sees the event
	go run ./tests/load/freshness $(LOAD)

bench-query: build ## Questions against DuckDB on the same files
	go run ./tests/load/query $(LOAD)

bench-storage: build ## Disk space of an event
	go run ./tests/load/storage $(LOAD)

bench-memory: build ## Memory at rest and under load
	go run ./tests/load/memory $(LOAD)

bench-compaction: need-go need-cc ## Questions to many small segments, and to what they are merged to
	go run ./tests/load/compaction $(LOAD)

bench-jobs: need-go need-cc ## 10,000 jobs through the queue: throughput, effects, fairness between two tenants
	go run ./tests/load/jobs $(LOAD)

bench-dashboard: need-go need-cc ## Questions asked for the first time, again after new data, and as the data grows; CHDB=folder adds ClickHouse
	go run ./tests/load/dashboard $(if $(CHDB),-chdb $(CHDB)) $(LOAD)

bench-cached: build ## The same question again, against a server that gives the same bytes
	go run ./tests/load/cached $(LOAD)

bench-files: build node_modules/.package-lock.json ## Files loaded: a CSV of 1 GiB, and three million flights, against DuckDB's readers on one core
	go run ./tests/load/files $(LOAD)

bench-producers: build ## An event of each producer's protocol: the server's processor time, and that of decoding
	go run ./tests/load/producers $(LOAD)

bench-models: need-go need-cc ## Models built by parts and in full, as the data grows from 1 to 30 million
	go run ./tests/load/models $(LOAD)
