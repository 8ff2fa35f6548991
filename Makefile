# The verbs of the house. Each makes what it needs in .venv, and makes it again when pyproject.toml changes.
# Python 3.11 to 3.14: `make test PYTHON=python3.13 VENV=.venv-3.13` tries another.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
MADE := $(VENV)/.made

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: run test check coverage docs bench fuzz autobahn hosts clean help

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

run: $(MADE)/run ## the chat, on http://127.0.0.1:8000 (ARGS="--port 9000")
	$(BIN)/sock run examples.chat:app $(ARGS)

test: $(MADE)/test ## every test, on both reactors (ARGS="tests/wire -k ping")
	$(BIN)/python -m pytest $(ARGS)

check: $(MADE)/check ## format, lint, types, arrows, doctests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q --doctest-modules src autobahn

# Each room is proven by its own test files, so each is measured with those alone.
coverage: $(patsubst %,coverage-%,spec wire engine) ## branches of spec, wire and engine, from their own tests: 100 %

coverage-%: export COVERAGE_FILE = .coverage.$*
coverage-%: $(MADE)/test
	$(BIN)/python -m coverage run --branch --source=src/sock/$* -m pytest -q tests/$*
	$(BIN)/python -m coverage report --fail-under=100 --show-missing

docs: $(MADE)/docs ## the documentation, into docs/_build/html
	$(BIN)/python -m sphinx -n -W --keep-going -b html docs docs/_build/html

bench: .venv-bench/.made 
	.venv-bench/bin/python -m bench $(if $(ONLY),--only $(ONLY)) $(ARGS)

fuzz: ## (not yet)
	@echo "make fuzz: not yet; fuzzing comes with the hardening of the codec."

autobahn: $(MADE)/run ## all 517 cases of the Autobahn suite, on both reactors (ARGS="--cases sample", ARGS=--write)
	$(BIN)/python -m autobahn $(ARGS)

hosts: $(MADE)/test ## every server that hosts Socks, against the contract and Autobahn (ARGS="--cases contract", ARGS=--write)
	$(BIN)/python -m hosts $(ARGS)

clean: ## take away all that was made
	rm -rf .venv* .autobahn .hosts .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -rf build docs/_build src/*.egg-info bench/results/latest.json bench/wsload/wsload
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip 25.1 is the first that installs dependency groups (PEP 735).
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

# A group is `run` (nothing but Sock itself), `test`, `check` or `docs`.
$(MADE)/%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --group $* --editable '.[uvloop]'
	@mkdir -p $(@D) && touch $@

# The peers have an environment of their own, at the versions whose figures are kept.
.venv-bench/.made: bench/requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-bench/bin/python -m pip install --quiet --requirement bench/requirements.txt --editable '.[uvloop]'
	@touch $@

.SECONDARY:
