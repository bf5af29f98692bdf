# Every command of this checkout, one target each. The work is done in scripts/; `make` alone lists the targets.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Every process compiles what it imports where compiled code may not be kept, as is usual in containers.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# Part of the tests' time is waiting, so three processes keep two cores busy. With four, servers start four at a time.
PYTEST_ARGS ?= -n 3 --dist loadfile
GIVEN_ARGS := $(if $(filter file,$(origin PYTEST_ARGS)),,$(PYTEST_ARGS))
RUN_ARGS ?=

.PHONY: help setup setup-dev run demo test coverage check pythons postgres images fix lock docs clean test-opensearch

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Install what Echoic needs into .venv (PYTHON=... chooses the Python)
	@scripts/setup run

setup-dev:  ## Install what the tests and checks need, too
	@scripts/setup dev

run: setup  ## Start everything on this machine: database, API, worker (ECHOIC_PORT=... and other settings are variables)
	@$(BIN)/echoic serve $(RUN_ARGS)

demo: setup  ## Transcribe and search the recording in examples/
	@$(BIN)/echoic demo $(RUN_ARGS)

test: setup-dev  ## Run the tests, in three processes (PYTEST_ARGS=... goes to pytest instead)
	@$(BIN)/python -m $(if $(COVERAGE),scripts.measure_coverage $(GIVEN_ARGS),pytest $(PYTEST_ARGS))

coverage:  ## Run the tests and show which lines and branches they reach (PYTEST_ARGS=... runs some)
	@$(MAKE) test COVERAGE=1

check: setup-dev  ## Run every linter and gate
	@scripts/check

pythons: setup-dev  ## Try every Python that Echoic supports and that is found on this machine
	@scripts/try_pythons

postgres: setup-dev  ## Try Debian's PostgreSQL 15 (POSTGRES_BIN_DIR=... tries another)
	@scripts/try_postgres

images: setup-dev  ## Build the images of containers and try them, as root, with buildah, runc and mmdebstrap
	@$(BIN)/python -m scripts.try_images

test-opensearch: setup-dev  ## Run the tests of search on OpenSearch, on a server that Maven fetches
	@$(BIN)/python -m scripts.with_opensearch $(BIN)/python -m pytest -q -n 0 tests/opensearch tests/search -k "opensearch"

fix: setup-dev  ## Format, and repair what the linters can repair
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

lock: setup-dev  ## Write the lock files from pyproject.toml (LOCK_ARGS=--upgrade takes newer versions)
	@scripts/lock $(LOCK_ARGS)

docs: setup-dev  ## Write the generated pages of docs/
	@$(BIN)/python scripts/make_docs.py

clean:  ## Remove .venv and every cache; your data stay
	@rm -rf .venv tests/clients/node_modules web/node_modules echoic/web_files .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage-data .opensearch dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
