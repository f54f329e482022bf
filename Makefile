# Everything a clone needs: Python 3.11 or newer, git and make. The environment is made in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= auto

.PHONY: demo test lint types bench news docs workflows clean

demo: $(VENV)/.installed  ## run the whole loop on the sample, in a new folder
	$(BIN)/promptvc demo

test: $(VENV)/.tested  ## pass the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

lint: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developed
	$(BIN)/mypy promptvc tests benchmarks

bench: $(VENV)/.tested  ## print every figure with its limit
	$(BIN)/python -m benchmarks

docs: $(VENV)/.developed  ## write docs/reference.md and docs/terminal.svg anew from the program itself
	$(BIN)/python docs/reference.py
	$(BIN)/python docs/terminal.py

workflows: $(VENV)/.installed  ## write this repository's workflows anew from their templates, and look them over
	$(BIN)/python .ci/render.py
	$(BIN)/python -m pip install -q --group ci
	.ci/workflows $(BIN)

clean:
	rm -rf $(VENV) .promptvc .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "promptvc needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade "pip>=25.1"

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install -q -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install -q --group test
	@touch $@

$(VENV)/.developed: $(VENV)/.tested
	$(BIN)/python -m pip install -q --group dev
	@touch $@
