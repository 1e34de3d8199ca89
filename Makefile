# Needs make, git and a Python >= 3.11; everything else is installed into .venv, once.

PYTHON ?= python3
VENV ?= .venv
# pytest's processes; each starts a PostgreSQL of its own.
WORKERS ?= auto
# Arguments: make test TESTS="tests/unit -k codec", make bench BENCH="all --full --json bench/results", make demo DEMO="--rate 100"
TESTS ?=
DEMO ?=
BENCH ?= copy
# How long a soak takes, and the seed of its chance; another one every time if none is given.
SECONDS ?= 3600
SEED ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BENCHED := $(VENV)/.installed-bench
# The sources of others whose tests are run here; where they cannot be had, those tests skip.
SUITES := $(VENV)/.suites

.DEFAULT_GOAL := help
.PHONY: help demo rehearsal test soak check lint bench docs lock setup clean distclean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1#\2/p' $(MAKEFILE_LIST) | tr '#' '\t' | expand -t 20

demo: $(INSTALLED) ## an application under load goes over to PostgreSQL, back, and over again: two minutes, then the proof
	@$(BIN)/python -m examples.homeverse.demo $(DEMO)

rehearsal: $(INSTALLED) ## build a realistic SQLite file and rehearse its move to PostgreSQL
	@$(BIN)/python -m examples.homeverse.rehearsal

test: $(INSTALLED) $(SUITES) ## all tests
	@$(BIN)/python -m pytest --numprocesses=$(WORKERS) --maxprocesses=4 $(TESTS)

soak: $(INSTALLED) ## a live migration under everything at once, for an hour: make soak SECONDS=600 SEED=7
	@PYTHONPATH=tests $(BIN)/python -m support.soak --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

check: lint ## everything that a change must pass: lint and test
	@$(MAKE) --no-print-directory test

lint: $(INSTALLED) ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports

bench: $(BENCHED) ## benchmarks; bench/README.md tells which there are
	@$(BIN)/python -m bench $(BENCH)

docs: $(INSTALLED) ## write docs/cli.md anew from the code
	@$(BIN)/python tools/cli_reference.py --write

lock: $(INSTALLED) ## resolve uv.lock anew, from the public index
	@$(BIN)/python -m pip install -qq uv
	@$(BIN)/uv lock --no-config

setup: $(INSTALLED) ## only install

clean: ## remove what tests, tools and the demo made
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests bench examples tools -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## clean, and remove .venv
	rm -rf $(VENV)

# ---- installation ----

# A locked version that the index at hand does not have is no reason to give up: then pip chooses.
define install
	@$(BIN)/python tools/requirements.py locked > $(VENV)/constraints.txt
	@$(BIN)/python tools/requirements.py group $(1) > $(VENV)/requirements-$(1).txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
	    -c $(VENV)/constraints.txt -r $(VENV)/requirements-$(1).txt -e '.[embedded]' \
	|| { echo "The locked versions cannot be had here; trying the newest ones."; \
	    $(BIN)/python -m pip install -qq --disable-pip-version-check \
	    -r $(VENV)/requirements-$(1).txt -e '.[embedded]'; }
endef

$(INSTALLED): pyproject.toml uv.lock tools/requirements.py
	@$(PYTHON) -c '' 2>/dev/null || { \
	    echo "make: there is no $(PYTHON). Install Python 3.11 or later, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "make: outgrow needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
	         "Name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into $(VENV) (once, about a minute) ..."
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(call install,dev)
	@touch $@

$(SUITES): $(INSTALLED) tools/suites.py
	@if $(BIN)/python tools/suites.py; then touch $@; else echo "make: Flask's sources cannot be had; the tests of its tutorial skip" >&2; fi

$(BENCHED): $(INSTALLED)
	@echo "Installing what the benchmarks compare with (once) ..."
	$(call install,bench)
	@touch $@
