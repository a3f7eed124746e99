# Works with GNU make 3.81 and later. `make` alone lists the targets.

PYTHON ?= python3
TORCH_INDEX ?=
JOBS ?= auto
RUN ?= runs/demo

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
VENV := .venv
BIN := $(VENV)/bin
TORCH := $(shell sed -n 's/^\(torch==.*\)/\1/p' constraints.txt)

# pip reads both: the second covers the tools that build the package, in newer versions of pip.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Test processes share the cores; without this each would start a thread on every core.
TEST_ENV := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
PYTEST := $(TEST_ENV) $(BIN)/python -m pytest -n $(JOBS) --maxprocesses=8

.PHONY: help setup demo browser test test-slow lint bench docs reference serve clean
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=python3.12      which Python makes .venv (3.11 or newer; now: $(PYTHON))"
	@echo "  TORCH_INDEX=https://download.pytorch.org/whl/cpu"
	@echo "                         where torch comes from: this takes the small build without CUDA"
	@echo "  JOBS=2                 how many tests run at a time (now: $(JOBS))"
	@echo "  RUN=runs/demo          which run 'make serve' serves"

setup: $(VENV)/.dev ## Make or update .venv with everything for development

# Two stamps: what running needs, and what developing needs on top. Each is renewed when the
# declared or the pinned versions change; pip leaves alone what already fits.
$(VENV)/.run: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || \
	  { echo "Matinee needs Python 3.11 or newer; there is no '$(PYTHON)'. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Matinee needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --no-deps --index-url $(TORCH_INDEX) $(TORCH))
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(VENV)/.run ## Train on the bundled sample and recommend films: no download, under a minute
	@$(BIN)/matinee demo

test: $(VENV)/.dev ## Run the fast tests
	$(PYTEST) -m 'not slow'

test-slow: $(VENV)/.dev ## Run the tests that take minutes or need the real data sets
	$(PYTEST) -m slow --timeout=3600

browser: ## Install Debian's Chromium, which the browser tests drive (they are skipped without one)
	@command -v chromium >/dev/null || $(SUDO) apt-get install --yes --no-install-recommends chromium \
	  || { $(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends chromium; }

lint: $(VENV)/.dev ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## Measure speed, memory and growth, beside the peers that are set up: hours
	$(BIN)/python -m benchmarks

reference: $(VENV)/.dev ## Write the reference pages anew from the code
	$(BIN)/python docs/generate.py

docs: $(VENV)/.dev ## Build the documentation into site/; a broken link is an error
	@# Not --quiet: that hides warnings from --strict as well.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

serve: $(VENV)/.run ## Serve the recommendations of RUN on this machine
	@[ "$(RUN)" != runs/demo ] || [ -f runs/demo/model.json ] || $(BIN)/matinee demo >/dev/null
	@$(BIN)/matinee serve $(RUN)

clean: ## Remove what was built; .venv and runs/ stay
	rm -rf site build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests docs benchmarks -name __pycache__ -prune -exec rm -rf {} +
