# `make` lists what can be made. Everything needs Go and a C compiler (DuckDB is
# linked through cgo) and nothing else.

BIN         := bin/keyramp
# Tools live beside the build, with their version in the name, and never in go.mod.
STATICCHECK_VERSION := v0.8.2
STATICCHECK := bin/staticcheck-$(STATICCHECK_VERSION)
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME    ?= 30s
# For instance BENCHFLAGS='--only plain --write docs/performance.md'.
BENCHFLAGS  ?=

.DEFAULT_GOAL := help
.PHONY: help build demo test test-long chaos soak check fuzz mutants bench bench-go golden clean need

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

need:
	@command -v go >/dev/null || { echo "make: Go is missing: install Go 1.26 or newer, https://go.dev/dl" >&2; exit 1; }
	@cc=$$(go env CC); command -v "$${cc%% *}" >/dev/null || { echo "make: a C compiler is missing: install gcc or clang (DuckDB is linked through cgo)" >&2; exit 1; }

build: need ## build bin/keyramp
	go build -ldflags '-X main.version=$(VERSION)' -o $(BIN) ./cmd/keyramp

demo: build ## simulate a tenant, pull it, judge it: no account needed
	$(BIN) demo

test: need ## run the tests
	go test -timeout 25m ./...

test-long: need ## run the tests with the race detector and the long ones
	KEYRAMP_LONG=1 go test -race -timeout 60m ./...

chaos: need ## kill, starve, corrupt and mislead keyramp many times: one table (an hour)
	go run ./cmd/chaos --tier chaos
	$(MAKE) fuzz FUZZTIME=60s

soak: need ## the same promises at their largest sizes (a day)
	go run ./cmd/chaos --tier soak --timeout 12h
	$(MAKE) fuzz FUZZTIME=30m

check: need $(STATICCHECK) ## what CI runs: gofmt, vet, staticcheck, tests
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	go test -timeout 25m ./...

$(STATICCHECK):
	GOBIN=$(CURDIR)/bin go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	mv bin/staticcheck $@

fuzz: need ## fuzz every decoder for FUZZTIME (30s) each; what fails is kept in testdata/fuzz
	@failed=; \
	for file in $$(grep -rlE '^func Fuzz' --include='*_test.go' .); do \
	  for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file"); do \
	    echo "$$(dirname $$file) $$name"; \
	    go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "./$$(dirname $$file)" || failed="$$failed $$name"; \
	  done; done; \
	test -z "$$failed" || { echo "make: these found something, which lies in testdata/fuzz beside them:$$failed" >&2; exit 1; }

mutants: need ## edit formulas wrongly, one at a time: the tests must catch each (minutes)
	KEYRAMP_MUTANTS=1 go test ./stats -run '^TestMutants$$' -count=1 -v -timeout 60m

bench: build ## keyramp beside DuckDB, ClickHouse and others, on the same logs (needs npm; long)
	go run ./cmd/bench $(BENCHFLAGS)

bench-go: need ## time decoding, splitting, loading, exporting and inference
	go test -run '^$$' -bench . -benchmem $$(grep -rlE '^func Benchmark' --include='*_test.go' . | xargs -n1 dirname | sort -u)

golden: need ## renew golden files and schemas; read the diff before you commit it
	go test ./analysis/render -update
	go test ./cmd/keyramp -run '^TestSchemas$$' -update

clean: ## remove what was built and the demo's folder
	rm -rf bin keyramp-demo
