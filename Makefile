# Verbs of daily work. `make run` and `make test` are all that a newcomer needs.

GO        ?= go
BIN       := bin/alluvium
PKGS      := ./...
UI        := controller/ui/app
UI_BUILT  := controller/ui/dist/index.html
# The kernels' vector twins need this experiment; a plain `go build` works
# without it, and `make GOEXPERIMENT= test` tests that build.
export GOEXPERIMENT ?= simd
FUZZTIME  ?= 10s

.PHONY: build run test race lint fuzz-short fuzz bench integration cluster-up cluster-down nightly generate ui ui-test tools clean

build: ui
	$(GO) build -o $(BIN) ./cmd/alluvium

ui: $(UI_BUILT)

$(UI_BUILT): $(shell find $(UI)/src -type f) $(UI)/index.html $(UI)/package-lock.json $(UI)/vite.config.ts
	cd $(UI) && npm ci --no-audit --no-fund --silent && rm -rf ../dist/assets && npm run --silent build

ui-test: ui
	cd $(UI) && npm test --silent

run: build
	$(BIN) standalone --demo --data-dir data

test: ui ui-test
	$(GO) vet $(PKGS)
	$(GO) test -tags invariants $(PKGS)

race:
	$(GO) test -race -tags invariants $(PKGS)

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet $(PKGS)
	$(GO) tool staticcheck $(PKGS)

# Each fuzzer for FUZZTIME; `make fuzz` is the long form.
fuzz-short:
	scripts/fuzz.sh $(FUZZTIME)

fuzz:
	scripts/fuzz.sh 60s

bench: build
	scripts/bench.sh

integration: build
	scripts/integration.sh

nightly: build
	scripts/nightly.sh

cluster-up: build
	scripts/cluster.sh up

cluster-down:
	scripts/cluster.sh down

generate:
	$(GO) generate ./...

clean:
	rm -rf bin data .cluster controller/ui/dist/assets controller/ui/dist/index.html
