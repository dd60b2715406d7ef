# One command each; CI calls `make check` unchanged.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STORE ?= sqlite

.DEFAULT_GOAL := help
.PHONY: help install demo run test audit check format lint types imports deps tests tests-postgresql bench models lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 16

install: $(VENV)/.installed ## the virtual environment with the caifeng command

$(VENV)/.uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	touch $@

$(VENV)/.installed: $(VENV)/.uv pyproject.toml requirements.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements-dev.lock
	touch $@

demo: install ## everything up with the little town; STORE=elasticsearch for a real server
	deploy/demo $(STORE)

run: install ## every role of the home in CAIFENG_HOME
	$(BIN)/caifeng up

test: $(VENV)/.dev ## all tests; what they need is fetched and started
	tests/prepare
	$(MAKE) --no-print-directory tests tests-postgresql

# CI has fifteen minutes: the long kill and fault runs (marked slow) are left to `make test` on a desk.
SELECTED := $(if $(CI),and not slow,)

# Browsers go apart from the rest, and two at most: on two cores pages would take longer than a test may wait.
tests:
	$(BIN)/python -m pytest -q -n 3 -m "not browser $(SELECTED)"
	$(BIN)/python -m pytest -q -n 2 -m "browser $(SELECTED)" tests/browser

tests-postgresql:
	CAIFENG_TEST_DATABASE=postgresql $(BIN)/python -m pytest -q -n 3 -m "workflow and not slow" tests/integration tests/unit/test_settings.py tests/unit/test_alerts_desk.py tests/unit/test_alerts_sweep.py tests/unit/test_alerts_outbox.py tests/unit/test_alerts_audit.py

check: $(VENV)/.dev format lint types imports deps test ## everything CI asks for

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

deps: $(VENV)/.dev
	$(BIN)/deptry .

bench: $(VENV)/.dev ## every benchmark, each bar with its figure
	$(BIN)/python -m bench

audit: $(VENV)/.uv ## ask for known holes of the pinned dependencies; needs the internet
	$(BIN)/uv tool run pip-audit --requirement requirements.lock --no-deps --disable-pip --strict

models: $(VENV)/.dev ## train the models again from the data folder, bit for bit
	$(BIN)/python -m pipeline.train

lock: $(VENV)/.uv ## pin every dependency; no registry's host goes in
	$(BIN)/uv pip compile --quiet --universal --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --no-emit-index-url --no-header pyproject.toml --group dev -o requirements-dev.lock

clean: ## remove what was built, never CAIFENG_HOME
	rm -rf $(VENV) .mypy_cache .ruff_cache build dist
