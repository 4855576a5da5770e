# Everything that is done here by hand or by a machine. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL: # the go command uses every core by itself

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOSEC := github.com/securego/gosec/v2/cmd/gosec@v2.22.11
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
VULNDB := https://vuln.go.dev
FUZZTIME ?= 30s
CHECKS ?= 2000

# Quick tests are those of single packages and the few of tests/ named here; the
# others there start servers and emulators. The CDK under infra costs minutes to
# compile, so infra has targets of its own, and so have benchmarks.
quick_tests := api architecture fake
tests := $(filter-out load,$(notdir $(wildcard tests/*)))
slow := $(patsubst %,./tests/%/...,$(filter-out $(quick_tests),$(tests)))
quick_folders := $(patsubst %,./tests/%,$(filter $(quick_tests),$(tests)))
longest := ./tests/api ./shared/sqlrun ./shared/engine/... # first, or one processor waits for them at the end
# Tests of connectors start real databases and stores, which takes as long as all the others together.
servers = $$(grep -rlE --include='*_test.go' '/connector/[a-z]+/[a-z]+test"|/tests/oracle"' ./shared | xargs -n1 dirname | sort -u)
quick = $(longest) $$(go list ./... | grep -vE '/tarn/(infra|tests)(/|$$)' | grep -vxF "$$(go list $(servers))") $(quick_folders:%=%/...)

# What -short shortens is run again without it: what draws random cases (rapid draws a
# fifth), and what asks. Of the other quick packages nothing was left out.
random := {{$$of := .ForTest}}{{range .Deps}}{{if eq . "pgregory.net/rapid"}}{{println $$of}}{{end}}{{end}}
shortened = $$({ grep -rl --include='*_test.go' 'testing\.Short()' ./events ./functions ./shared $(quick_folders) | xargs -n1 dirname; \
	go list -test -f '$(random)' $(quick); go list $(servers); } | sort -u)
all = $$(go list ./... | grep -vE '/tarn/infra(/|$$)')

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run build
run: build node_modules/.package-lock.json ## Start Tarn on this machine: PORT=8080 DATA_DIR=./.data DEMO=0 TLS=1
	@exec ./build/tarnd

build: need-go need-cc ## Build the single-node server into build/tarnd
	@mkdir -p build
	go build -o build/tarnd ./functions/local

# The command line is pure Go, so that every system's can be built on any.
systems := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
tarn_flags := -trimpath -buildvcs=false -ldflags '-s -w -buildid='

.PHONY: tarn tarn-all $(systems:%=build/clients/%)
tarn: need-go ## Build the command line into build/tarn
	@mkdir -p build
	CGO_ENABLED=0 go build $(tarn_flags) -o build/tarn ./functions/cli

tarn-all: $(systems:%=build/clients/%) ## Build the command line for every system into build/clients

$(systems:%=build/clients/%): build/clients/%: need-go
	CGO_ENABLED=0 GOOS=$(*D) GOARCH=$(*F) go build $(tarn_flags) -o $@/tarn$(if $(filter windows,$(*D)),.exe) ./functions/cli

node_modules/.package-lock.json: package-lock.json | need-npm
	npm ci --no-audit --no-fund
	@touch $@ node_modules/.bin/cdk

# FerretDB speaks MongoDB's protocol, and its server is all Go. It is built in a folder of its
# own, because it wants to find its version in a file, and so that go.mod does not know it.
FERRETDB := v1.24.2
build/ferretdb: need-go ## Build the stand-in for MongoDB, for the tests of its connector
	@mkdir -p build
	rm -rf build/ferretdb.src
	cp -r "$$(go mod download -json github.com/FerretDB/FerretDB@$(FERRETDB) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')" build/ferretdb.src
	chmod -R u+w build/ferretdb.src
	echo $(FERRETDB) >build/ferretdb.src/build/version/version.txt
	cd build/ferretdb.src && CGO_ENABLED=0 go build -trimpath -o ../ferretdb ./cmd/ferretdb
	rm -rf build/ferretdb.src

.PHONY: test test-quick test-full e2e clients test-aws properties fuzz
test: ## Run every test, the quick ones first
	-@$(MAKE) --no-print-directory build/ferretdb # what cannot be had is skipped, loudly
	@$(MAKE) --no-print-directory test-quick
	@$(MAKE) --no-print-directory test-full

test-quick: need-go need-cc ## Run the tests of single packages, which need no servers
	go test -short $(quick)

test-full: e2e test-infra ## Run the rest: crash matrix, contracts, end to end, browser, templates, all of what is random
	go test -timeout 20m $(shortened)

e2e: build node_modules/.package-lock.json ## Run the tests that start servers, emulators and a browser
	go test -p 1 -parallel 8 -timeout 20m $(slow) # one package at a time: each fills two cores with servers and emulators, or waits

clients: need-go need-cc node_modules/.package-lock.json ## Drive every producer's client at once for 60 s, with faults and kills
	go test -count=1 -v -run '^TestAllProducersAtOnce$$' ./tests/e2e -clients.for 60s

test-aws: need-go ## Run the contract suites in the AWS account that the environment names
	TARN_AWS=1 go test -count=1 -timeout 30m ./tests/contract/...

properties: need-go need-cc ## Hold answers against the references on CHECKS=2000 random datasets a property
	go test -timeout 2h -rapid.checks $(CHECKS) ./shared/engine/duck ./shared/engine/partial ./shared/engine/trail

fuzz: need-go need-cc ## Fuzz every decoder for FUZZTIME=30s each
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' events functions shared tests | sort | \
	while IFS=: read -r file target; do \
		echo "$${target#func } in $$(dirname "$$file")"; \
		go test -run '^$$' -fuzz "^$${target#func }\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" </dev/null; \
	done

.PHONY: check fmt-check vet lint security vulncheck test-race generate check-generated
check: fmt-check vet lint security test-race check-generated ## Check what every change must pass: format, vet, lint, security, races, generated files

fmt-check: need-go
	@unformatted=$$(gofmt -l console events functions infra shared tests); \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:" $$unformatted >&2; exit 1; fi

vet: need-go need-cc
	go vet $(all)

lint: need-go need-cc
	go run $(STATICCHECK) $(all)

# What is excused is excused where it stands. Tests start programs, open the files that
# they are told to, and throw dice that must be the same each time: of them other rules are asked.
security: need-go ## Look for what is insecure in our own code: gosec
	go run $(GOSEC) -quiet ./console/... ./events/... ./functions/... ./shared/...
	go run $(GOSEC) -quiet -exclude=G114,G115,G202,G204,G302,G304,G404,G602 ./tests/...

vulncheck: need-go need-cc ## Look for known vulnerabilities of what we depend on: govulncheck, which asks vuln.go.dev
	@if ! curl --fail --silent --show-error --max-time 20 --output /dev/null $(VULNDB)/index/db.json; then \
		echo "NOT CHECKED: the database of vulnerabilities at $(VULNDB) cannot be reached. Nothing is known of the modules in go.mod." >&2; exit 1; \
	fi
	go run $(GOVULNCHECK) -db $(VULNDB) $(all)

# DuckDB's Go binding reads texts through misaligned pointers, which the race build's
# pointer check takes for a fault; it is off for that package alone.
test-race: need-go need-cc
	go test -race -gcflags='github.com/duckdb/duckdb-go/...=-d=checkptr=0' -short -timeout 20m $(quick) $(servers)

generate: need-go need-cc ## Write the files that are made from others: console/openapi.json
	@mkdir -p build
	go run ./functions/local -openapi >build/openapi.json
	@cmp -s build/openapi.json console/openapi.json || cp build/openapi.json console/openapi.json

check-generated: generate
	@git ls-files --error-unmatch console/openapi.json >/dev/null
	git diff --exit-code -- console/openapi.json

.PHONY: clean need-go need-cc need-npm
clean: ## Remove what was built; data stays
	rm -rf build cdk.out bin

need-go:
	@command -v go >/dev/null || { echo "go is absent. Install it: https://go.dev/doc/install" >&2; exit 1; }
need-cc: need-go
	@command -v "$$(go env CC)" >/dev/null || { echo "a C compiler is absent, and DuckDB needs one. Install it: apt-get install gcc g++, or xcode-select --install" >&2; exit 1; }
need-npm:
	@command -v npm >/dev/null || { echo "npm is absent. Install Node.js 20 or later: https://nodejs.org, or apt-get install nodejs npm" >&2; exit 1; }

-include infra/infra.mk
-include tests/load/load.mk
-include tests/lambda/lambda.mk
