# casebook-etl: every task of the project. Needs Python 3.11, make and the package index.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup demo test check e2e bench drill-long lock clean

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.dev ## create the environment with everything that tests and checks need

demo: $(VENV)/.runtime ## migrate the sample agency into a local sandbox, verify it, write the report
	$(BIN)/casebook-etl demo

test: $(VENV)/.dev ## run the tests (no network, no server installed by hand)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not e2e and not drill"

check: $(VENV)/.dev ## format, lint, types, import contracts, unused dependencies, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry etl
	$(BIN)/codespell etl docs mappings *.md

e2e: $(VENV)/.dev ## run the long proofs: kills, memory, every database
	$(BIN)/python -m pytest -n $(WORKERS) --dist load --maxschedchunk 1 -m e2e

bench: $(VENV)/.dev ## measure; figures are ratios of one run
	$(BIN)/python -m pytest tests/bench -q -s -n 0 -m bench --import-mode prepend -o addopts= --timeout 0

drill-long: $(VENV)/.dev ## the kill harness for as long as DRILL_KILLS says (default 5,000)
	DRILL_KILLS=$${DRILL_KILLS:-5000} $(BIN)/python -m pytest tests/e2e -q -s -n 0 -m drill --timeout 0

lock: ## pin all requirements anew, with hashes and without index addresses (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--all-extras --group build pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--all-extras --group build --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the environment and caches; runs/ is kept
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) --version >/dev/null 2>&1 || python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: name it with make PYTHON=/path/to/python."; exit 1; }
	@command -v $(PYTHON) >/dev/null 2>&1 && $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
