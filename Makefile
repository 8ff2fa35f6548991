# The verbs of the house. Each makes what it needs in .venv, and makes it again when pyproject.toml changes.
# Python 3.11 to 3.14: `make test PYTHON=python3.13 VENV=.venv-3.13` tries another.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
MADE := $(VENV)/.made
NODE := build/node
CLIENTS := build/clients
CORE := $(wildcard core/*/*.* core/*/*/*.*)
CORE_SOURCES := $(CORE) $(wildcard $(patsubst core/%.pxd,src/sock/%.py,$(CORE)))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: run core test check coverage docs bench bench-check fuzz sanitize leaks wheel autobahn mutants suite load hosts clean help

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

run: $(MADE)/run $(MADE)/core ## the chat, on http://127.0.0.1:8000 (ARGS="--port 9000")
	$(BIN)/sock run examples.chat:app $(ARGS)

# Asked for by name it is made whatever make knows, as flags may have changed, and an error where it cannot be had.
core: $(MADE)/build ## the compiled core, in place (SOCK_CFLAGS=-g)
	SOCK_EXTENSION=1 $(BIN)/python setup.py --quiet build_ext --inplace
	@touch $(MADE)/core

# Compiled and pure, one after the other; SOCK_EXTENSION=0 or =1 in the environment chooses.
# All of them run in four processes, also on two cores, because most tests wait for a socket. Chosen tests run in one.
SIDE_BY_SIDE := --numprocesses 4
TESTS = $(or $(ARGS),-q $(SIDE_BY_SIDE))
test: $(MADE)/test $(NODE)/.made $(CLIENTS)/.made $(MADE)/core ## every test, compiled and pure, on both reactors (ARGS="tests/wire -k ping")
	@set -e; expression=''; for extension in $${SOCK_EXTENSION:-$$($(BIN)/python -c \
	    'from sock import native; print("1 0" if native.ACTIVE else "0")')}; do \
	    echo "SOCK_EXTENSION=$$extension python -m pytest $(TESTS) $$expression"; \
	    SOCK_EXTENSION=$$extension $(BIN)/python -m pytest $(TESTS) $$expression; \
	    expression='-m not(one_form)'; \
	done

check: $(MADE)/check ## format, lint, types, arrows, doctests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q --doctest-modules src autobahn

# A line of compiled code is no line for coverage.
# Each room is proven by its own test files, so each is measured with those alone.
coverage: $(patsubst %,coverage-%,spec wire engine) ## branches of spec, wire and engine, from their own tests: 100 %

coverage-%: export COVERAGE_FILE = .coverage.$*
coverage-%: export SOCK_EXTENSION = 0
coverage-%: $(MADE)/test
	$(BIN)/python -m coverage run --branch --source=src/sock/$* -m pytest -q tests/$*
	$(BIN)/python -m coverage report --fail-under=100 --show-missing

docs: $(MADE)/docs ## the documentation, into docs/_build/html
	$(BIN)/python -m sphinx -n -W --keep-going -b html docs docs/_build/html

bench: .venv-bench/.made $(MADE)/core ## beside the peers, about 20 minutes (ONLY=echo,sock,picows for a short look)
	.venv-bench/bin/python -m bench $(if $(ONLY),--only $(ONLY)) $(ARGS)

bench-check: .venv-bench/.made $(MADE)/core ## no ratio fell by more than 5 % (ARGS=--record sets what they are held to)
	.venv-bench/bin/python -m bench.check $(ARGS)

fuzz: ## (not yet)
	@echo "make fuzz: not yet; fuzzing comes with the hardening of the wire."

# What the compiler adds finds what goes wrong without being seen: reads and writes out of place, freed memory, overflows.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZED := build/sanitize/.made
$(SANITIZED): setup.py $(CORE_SOURCES) | $(MADE)/build
	SOCK_EXTENSION=1 SOCK_CFLAGS='-O1 -g1 -fno-omit-frame-pointer $(SANITIZE)' SOCK_LDFLAGS='$(SANITIZE)' \
	    $(BIN)/python setup.py --quiet build --build-base build/sanitize
	@touch $@

# Left out: `hosting`, which has no C of its own.
sanitize: $(MADE)/test $(SANITIZED) ## the compiled core under AddressSanitizer and UndefinedBehaviorSanitizer
	PYTHONPATH=$$(echo build/sanitize/lib*) SOCK_EXTENSION=1 PYTHONMALLOC=malloc \
	    LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	    $(BIN)/python -m pytest $(or $(ARGS),-q $(SIDE_BY_SIDE) tests/core tests/wire tests/engine tests/loop tests/live tests/server tests/contract \
	    --deselect tests/core/test_memory.py::test_messages_and_connections_leave_nothing_behind)

leaks: $(MADE)/test $(MADE)/core ## a million messages and a hundred thousand connections leave nothing behind
	SOCK_EXTENSION=1 $(BIN)/python -m pytest -q -s tests/core/test_memory.py $(ARGS)

# Built as a user's pip builds it, and installed where nothing is left on the PATH that could compile.
WHEEL := build/wheel
wheel: $(MADE)/build ## a wheel with the core in it, tried without a compiler; and an install where there is none
	rm -rf $(WHEEL)
	SOCK_EXTENSION=0 $(BIN)/python setup.py --quiet sdist --dist-dir $(WHEEL)
	SOCK_EXTENSION=1 $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir $(WHEEL) $(WHEEL)/*.tar.gz
	$(PYTHON) -m venv $(WHEEL)/with
	PATH=$(WHEEL)/with/bin $(WHEEL)/with/bin/python -m pip install --quiet $(WHEEL)/*.whl
	PATH=$(WHEEL)/with/bin SOCK_EXTENSION=1 $(WHEEL)/with/bin/sock --version | grep 'compiled core'
	$(PYTHON) -m venv $(WHEEL)/without
	CC=no-such-compiler $(WHEEL)/without/bin/python -m pip install --quiet $(WHEEL)/*.tar.gz
	$(WHEEL)/without/bin/sock --version | grep 'pure Python'
	! CC=no-such-compiler SOCK_EXTENSION=1 $(WHEEL)/without/bin/python -m pip wheel --quiet --no-deps \
	    --wheel-dir $(WHEEL)/none $(WHEEL)/*.tar.gz 2>/dev/null

autobahn: $(MADE)/test $(MADE)/core ## all 517 cases of the Autobahn suite, on both reactors (ARGS="--cases sample", ARGS=--tls, ARGS=--write)
	$(BIN)/python -m autobahn $(ARGS)

mutants: $(MADE)/test ## our server, broken in one statement after the other: a case sees each (ARGS="-k S7.5 --verbose")
	$(BIN)/python -m tests.contract.mutants $(ARGS)

suite: $(MADE)/test ## the table of statements, from the specification, and docs/reference/suite.md
	$(BIN)/python -m tests.contract.mutants --levels
	$(BIN)/python -m tests.contract.mutants --page

load: $(MADE)/test $(MADE)/core ## deploys, deaths, ends and topics under load, counted: 20 minutes (ARGS="reload --size 500")
	$(BIN)/python -m tests.load $(ARGS)

hosts: $(MADE)/test $(MADE)/core ## every server that hosts Socks, against the contract and Autobahn (ARGS="--cases contract", ARGS=--write)
	$(BIN)/python -m hosts $(ARGS)

clean: ## take away all that was made
	rm -rf .venv* .autobahn .hosts .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -rf build docs/_build src/*.egg-info bench/wsload/wsload bench/floor/floor
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip 25.1 is the first that installs dependency groups (PEP 735).
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

# A group is `run` (nothing but Sock itself), `test`, `check` or `docs`.
$(MADE)/%: pyproject.toml | $(BIN)/python
	SOCK_EXTENSION=0 $(BIN)/python -m pip install --quiet --group $* --editable '.[uvloop]'
	@mkdir -p $(@D) && touch $@

# Clients and compilers of Node that tests drive, for `tests/needed.py`. Without npm these tests are skipped, except in CI.
$(NODE)/.made: tests/node/package.json
	@mkdir -p $(NODE) && cp $< $(NODE)/
	npm install --prefix $(NODE) --silent --ignore-scripts --no-package-lock --no-audit --no-fund || test -z "$$SOCK_REQUIRE"
	@touch $@

# Clients in Python whose own requirements do not agree with the environment of the tests.
$(CLIENTS)/.made: tests/clients/requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(CLIENTS) --requirement $<
	@touch $@

# The compiled core, in place, made again when something changes that it is compiled from; where there is no compiler,
# Sock does without.
$(MADE)/core: setup.py $(CORE_SOURCES) | $(MADE)/build
	$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

# The peers have an environment of their own, at the versions whose figures are kept.
# If one of them cannot be installed here, the others are one by one: the table says who is missing.
.venv-bench/.made: bench/requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	SOCK_EXTENSION=0 .venv-bench/bin/python -m pip install --quiet --editable '.[uvloop]'
	.venv-bench/bin/python -m pip install --quiet --requirement bench/requirements.txt || grep -E '^[a-z]' bench/requirements.txt | \
		while read -r peer; do .venv-bench/bin/python -m pip install --quiet "$$peer" || echo "bench: $$peer cannot be installed here"; done
	@touch $@

.SECONDARY:
