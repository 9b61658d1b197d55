# `make help` says what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
FUZZTIME ?= 15s
HISTORY  ?= 1000000
BIN      ?= bin
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: help build image demo test chaos test-short lint verify generate fuzz soak bench tools

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/penstock, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o $(BIN)/penstock ./cmd/penstock

image: build ## Lay out bin/image, from which deploy/docker/Dockerfile.binary makes an image without a registry
	rm -rf $(BIN)/image
	install -d $(BIN)/image/root/usr/local/bin $(BIN)/image/root/etc/ssl/certs $(BIN)/image/state/var/lib
	install -d -m 1777 $(BIN)/image/root/tmp
	install -d -m 0700 $(BIN)/image/state/var/lib/penstock
	install $(BIN)/penstock $(BIN)/image/root/usr/local/bin/
	install -m 0644 /etc/ssl/certs/ca-certificates.crt $(BIN)/image/root/etc/ssl/certs/

demo: build ## Watch a pipeline with every kind of action run on a server of its own
	./bin/penstock demo

test: tools lint verify build ## All that CI checks: format, vet, drift, static build, race detector, end to end, costs, random commands
	CI=true PENSTOCK_RANDOM_STEPS=100 $(GO) test -race -timeout 15m ./...
	$(GO) test -count=1 -timeout 5m ./internal/app -run '^(TestCost|TestMemoryOfWaitingPolls|Test[A-Za-z]*MeetsTheContract)$$'
	PENSTOCK_RANDOM_STEPS=600 $(GO) test -count=1 -timeout 5m ./internal/core/engine -run TestRandomCommands -rapid.checks=430

KILLS      ?= 200
EXECUTIONS ?= 1000

chaos: tools ## Harm servers and databases for long: KILLS faults (200) a site, EXECUTIONS (1000) under load; `test` has the short form
	PENSTOCK_E2E_KILLS=$(KILLS) PENSTOCK_E2E_EXECUTIONS=$(EXECUTIONS) $(GO) test -count=1 -timeout 60m -v ./e2e -run '^(TestCrash|TestLoad|TestClock|TestNodes|TestDiskFull|TestReadOnlyData|TestDyingDisk|TestDatabaseAway|TestLostAnswer)$$'
	$(GO) test -count=1 -timeout 20m ./internal/sqlite ./internal/blob/fileblob -run 'Killed|Crash|Synced|Written|Hammer'
	PENSTOCK_FAULTS_ON_POSTGRES=1 $(GO) test -count=1 -timeout 20m ./internal/service ./internal/app -run TestFaults
	$(GO) test -count=1 -timeout 20m ./internal/store/... ./internal/service ./internal/app -run 'Fault|Killed|Outlasts|LateReport'

test-short: ## What is worth running while you work, in about a minute
	$(GO) test -short -timeout 3m ./...

lint: ## Check the format and run go vet
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "gofmt -w is due for:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...

verify: ## Check that generated code is what the generator makes today
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	$(GO) run ./internal/apigen/cmd -model model/codepipeline-2015-07-09.json -out "$$dir"; \
	for file in "$$dir"/*.go; do \
		diff -u "internal/api/$$(basename "$$file")" "$$file" || { echo "run: make generate"; exit 1; }; \
	done

generate: ## Make the generated code again, after a change of model/ or internal/apigen
	$(GO) generate ./...
	$(GO) test ./internal/core/engine -run TestStatesDocument -update

fuzz: ## Run each fuzz target for FUZZTIME (15s)
	@for package in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
			echo "== $$package $$target"; \
			$(GO) test "$$package" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME); \
		done; \
	done

soak: ## Play a million random commands on the engine
	PENSTOCK_RANDOM_STEPS=1000 $(GO) test -count=1 -timeout 60m ./internal/core/engine -run TestRandomCommands -rapid.checks=1700 -v

bench: build ## Measure both stores beside their baselines, empty and after HISTORY executions, nodes and waiting workers; half an hour
	$(GO) run ./bench --binary bin/penstock --history $(HISTORY)
	$(GO) run ./bench --binary bin/penstock --history $(HISTORY) --database postgres
	for nodes in 1 2 3; do $(GO) run ./bench --binary bin/penstock --quick --database postgres --nodes $$nodes; done
	$(GO) run ./bench --binary bin/penstock --waiting 10000
	$(GO) run ./bench --binary bin/penstock --waiting 10000 --database postgres

# The tests want the AWS CLI, Node and boto3, as what they test are clients;
# PostgreSQL, HAProxy and nginx, of which they start servers of their own; buildah,
# by which they make the image; promtool and systemd-analyze, which judge files in
# deploy/; the race detector wants a C compiler. Where they are missing and we may, they are
# installed; else the tests say what they miss. The SDKs for JavaScript come by
# npm, into the user's cache.
tools:
	@missing=(); \
	command -v aws >/dev/null || missing+=(awscli); \
	command -v git >/dev/null || missing+=(git); \
	command -v curl >/dev/null || missing+=(curl); \
	command -v ip >/dev/null || missing+=(iproute2); \
	command -v nsenter >/dev/null || missing+=(util-linux); \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing+=(postgresql); \
	command -v buildah >/dev/null || missing+=(buildah); \
	command -v promtool >/dev/null || missing+=(prometheus); \
	command -v systemd-analyze >/dev/null || missing+=(systemd); \
	for server in haproxy nginx; do PATH="$$PATH:/usr/sbin" command -v "$$server" >/dev/null || missing+=("$$server"); done; \
	command -v "$$($(GO) env CC)" >/dev/null || missing+=(gcc libc6-dev); \
	{ command -v node && command -v npm; } >/dev/null || missing+=(nodejs npm); \
	{ python3 -c 'import boto3' || /usr/bin/python3 -c 'import boto3'; } 2>/dev/null || missing+=(python3-boto3); \
	if (( $${#missing[@]} )); then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$${missing[@]}"; } || \
				echo "could not install $${missing[*]}"; \
		else \
			echo "please install $${missing[*]}: the tests need them"; \
		fi; \
	fi
