# One door: `make help` lists what there is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
export TEXTUAL_ANIMATIONS ?= none

.PHONY: help demo test check format screenshots bench clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)  ## set up, then watch a fleet of real little stores on this machine
	$(BIN)/storewatch demo

test: $(STAMP)  ## set up, then run the checks and every test (as root on Debian: also install the real servers)
	PYTHON=$(BIN)/python sh tests/real/install.sh
	$(MAKE) check
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(STAMP)  ## format, lint, types, layers, sizes, docs
	$(BIN)/ruff format --check tui tests benchmarks
	$(BIN)/ruff check tui tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house

format: $(STAMP)  ## format and mend what can be mended
	$(BIN)/ruff format tui tests benchmarks
	$(BIN)/ruff check --fix tui tests benchmarks

screenshots: $(STAMP)  ## draw screenshots/ from the demo fleet
	$(BIN)/python -m tui.demo.screenshots

bench: $(STAMP)  ## print every figure of benchmarks/ with the peer or floor beside it
	$(BIN)/python -m benchmarks

clean:  ## remove what the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
