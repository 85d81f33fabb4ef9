# The daily loop. `make help` lists what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help

CARGO ?= cargo
NPM ?= npm
PYTHON ?= python3
FUZZ_CASES ?= 20000
FUZZ_SECONDS ?= 60

# The client suites run this binary. Cargo's own variable decides where builds go.
ROWGATE_BIN ?= $(abspath $(or $(CARGO_TARGET_DIR),target))/debug/rowgate
export ROWGATE_BIN

VENV := clients/python/.venv
NODE_MODULES := clients/node_modules
TICKETING := examples/ticketing
AUTHORIZATION := clients/authorization
AUTHORIZATION_PYTHON := 10.8 10.0
TODOS := examples/todos
FILES := examples/files

# Real servers for the tests, in the versions that scripts/postgres.py names.
POSTGRES := target/postgres

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

.PHONY: build
build: ## Build everything
	$(CARGO) build --workspace --locked

.PHONY: demo
demo: ## Build for speed, start a server with example data and show it answering
	$(CARGO) run --release --locked -- demo

.PHONY: test
test: lint test-rust test-clients test-examples ## Install what the tests need, then run every check and test

.PHONY: lint
lint: ## Formatting, clippy with warnings denied, licences of dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(PYTHON) -m unittest discover --start-directory scripts
	$(PYTHON) scripts/licenses.py

.PHONY: test-rust
test-rust: postgres ## Unit, property and integration tests of the crates
	$(CARGO) test --workspace --locked

.PHONY: postgres
postgres: ## Install PostgreSQL 15 and 18 for the tests, without root
	$(PYTHON) scripts/postgres.py $(POSTGRES)

.PHONY: test-clients
test-clients: test-node test-authorization test-python ## The published SDKs and curl against the real server

# With all targets, so that what `cargo test` has built is used again.
.PHONY: binary
binary:
	$(CARGO) build --workspace --all-targets --locked

.PHONY: test-node
test-node: binary postgres $(NODE_MODULES)/.installed ## The Node SDK, the serverless driver, and the tutorials under clients/seeds
	cd clients && $(NPM) test

.PHONY: test-authorization
test-authorization: binary $(NODE_MODULES)/.installed $(AUTHORIZATION)/node_modules/.installed ## The authorization API, with four versions of the Node SDK and two of the Python SDK
	cd $(AUTHORIZATION) && $(NPM) test
	$(MAKE) --no-print-directory --jobs=2 --output-sync $(addprefix test-authorization-python-,$(AUTHORIZATION_PYTHON))

test-authorization-python-%: $(AUTHORIZATION)/python/.venv/%/.installed
	cd $(AUTHORIZATION)/python && .venv/$*/bin/python -m unittest

.PRECIOUS: $(AUTHORIZATION)/python/.venv/%/.installed
$(AUTHORIZATION)/python/.venv/%/.installed: $(AUTHORIZATION)/python/requirements-%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(AUTHORIZATION)/node_modules/.installed: $(addprefix $(AUTHORIZATION)/,package.json package-lock.json .npmrc)
	cd $(AUTHORIZATION) && $(NPM) ci
	touch $@

.PHONY: test-python
test-python: binary $(VENV)/.installed ## The Python SDK
	cd clients/python && .venv/bin/python -m unittest

$(NODE_MODULES)/.installed: clients/package.json clients/package-lock.json clients/.npmrc
	cd clients && $(NPM) ci
	touch $@

$(VENV)/.installed: clients/python/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: test-examples
test-examples: binary postgres $(TICKETING)/node_modules/.installed $(TODOS)/node_modules/.installed $(FILES)/node_modules/.installed ## The ticketing, todos and files applications: their APIs, and their pages in a browser
	cd $(TICKETING) && $(NPM) test
	cd $(TODOS) && $(NPM) test
	cd $(FILES) && $(NPM) test

$(TICKETING)/node_modules/.installed: $(TICKETING)/package.json $(TICKETING)/package-lock.json $(TICKETING)/.npmrc
	cd $(TICKETING) && $(NPM) ci
	touch $@

$(TODOS)/node_modules/.installed: $(TODOS)/package.json $(TODOS)/package-lock.json $(TODOS)/.npmrc
	cd $(TODOS) && $(NPM) ci
	touch $@

$(FILES)/node_modules/.installed: $(FILES)/package.json $(FILES)/package-lock.json $(FILES)/.npmrc
	cd $(FILES) && $(NPM) ci
	touch $@

.PHONY: test-long
test-long: postgres ## Generated tests for longer: FUZZ_CASES=20000 expressions and worlds, 1000 crashes
	PROPTEST_CASES=$(FUZZ_CASES) ROWGATE_ORACLE_WORLDS=$(FUZZ_CASES) ROWGATE_CRASH_ROUNDS=1000 \
		$(CARGO) test --workspace --locked --release

.PHONY: fuzz
fuzz: ## Coverage-guided: schema text, policies, queries, request bodies, FUZZ_SECONDS=60 each
	for target in schema policy query body; do fuzz/run.sh $$target $(FUZZ_SECONDS) || exit 1; done

.PHONY: bench
bench: ## Measure everything beside peers and write bench/RESULTS.md; a quarter of an hour on an idle machine
	$(CARGO) run --release --locked --ignore-rust-version --features pemba --manifest-path bench/Cargo.toml -- all

.PHONY: bench-rows
bench-rows: postgres ## Measure row-level security on 1 and 10 million rows, and write its tables into bench/RESULTS.md
	$(CARGO) run --release --locked --manifest-path bench/Cargo.toml -- rows --write

.PHONY: bench-sql
bench-sql: ## Measure /sql beside a driver and write its section of bench/RESULTS.md; two minutes
	$(CARGO) run --release --locked --ignore-rust-version --manifest-path bench/Cargo.toml -- sql --write

.PHONY: bench-authz
bench-authz: ## Measure the authorization API with a million resources, and write its table into bench/RESULTS.md
	$(CARGO) run --release --locked --manifest-path bench/Cargo.toml -- authz --write

.PHONY: clean
clean: ## Remove what the targets above made
	$(CARGO) clean
	rm -rf $(NODE_MODULES) $(VENV) $(AUTHORIZATION)/node_modules $(AUTHORIZATION)/python/.venv $(addprefix $(TICKETING)/,node_modules .next generated)
