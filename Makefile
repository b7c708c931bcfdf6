# Every command of this repository; CONTRIBUTING.md tells more. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Pythons that a newer setup looks for first, when `python3` itself is too old.
CHOSEN := $(shell for p in $(PYTHON) python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# Where tests and benchmarks put the thousands of files they make: into memory, if there are 4 GB to spare.
PLACE = $(or $(TMPDIR),$(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 {print $$6}'),/tmp)
# Where the tests are that run on the stack: to look for them in all the others takes half a minute.
STACKED := tests/stack tests/contract
# Where those are that ask LiteLLM's proxy: to import them takes each process of the others a second or two.
PROXIED := tests/agent
# Those that do more under `make fuzz` than under `make test`.
FUZZED := $(addprefix tests/updates/test_,property.py switching.py tutorial.py)
# What one process has compiled serves the many others, also in containers whose image forbids it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo fleet test stack e2e litellm simulate check format bench fuzz update-services clean

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: $(READY) ## make .venv with everything the commands need (the others do it by themselves)

$(READY): pyproject.toml
	@test -n "$(CHOSEN)" || { echo "Python 3.11 or later is needed: 'make PYTHON=/path/to/python3.12 …' names one." >&2; exit 1; }
	@echo "Setting up .venv (once, about a minute) …" >&2
	@$(CHOSEN) -m venv .venv || { echo "python3 has no venv module: on Debian and Ubuntu 'apt install python3-venv'." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.13.9"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode -r pyproject.toml --group dev
	@touch $@

demo: $(READY) ## generate the six LearnFlow services, start them, and follow one question through them
	@$(BIN)/python -m fleet demo

fleet: $(READY) ## start the six and stay up; SERVICES="triage debug" picks some
	@$(BIN)/python -m fleet up $(SERVICES)

test: $(READY) ## run all tests; ARGS="-k name" picks some
	@TMPDIR="$(PLACE)" $(BIN)/python -m pytest -n auto --dist worksteal --ignore=$(PROXIED) $(ARGS)

stack: $(READY) ## install or build what `make e2e` runs on: Dapr, Kafka, Redis, PostgreSQL
	@PYTHONPATH=template $(BIN)/python -m tests.stack --install

e2e: stack ## run the fleet and the tests on real Dapr, Kafka, Redis and PostgreSQL; ARGS="-k name" picks some
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m stack $(STACKED) $(ARGS)

litellm: $(READY) ## ask a model's server that is not ours, LiteLLM's proxy
	@$(BIN)/python -m pytest -m litellm $(PROXIED) $(ARGS)

simulate: $(READY) ## run the fleet in one process, through SEEDS (500) lives full of faults
	@PYTHONPATH=template $(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),500)

check: $(READY) ## lint, format and type-check the repository and the template's Python where it stands
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright --pythonpath $(BIN)/python
	@$(BIN)/python -m updating.gate

format: $(READY) ## format the Python
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

fuzz: $(READY) ## lead CASES (500) services through edits, switches and updates: no line gets lost
	@TMPDIR="$(PLACE)" UPDATE_CASES=$(or $(CASES),500) $(BIN)/python -m pytest -n auto --dist worksteal $(FUZZED) $(ARGS)

update-services: $(READY) ## update many services: SERVICES="../orders ../mail"; prints a table
	@$(BIN)/python -m updating.many $(SERVICES)

bench: $(READY) ## measure; prints one table and writes benchmarks/results.json
	@TMPDIR="$(PLACE)" $(BIN)/python -m benchmarks

clean: ## remove the environment, caches and what the commands made
	@rm -rf .venv .build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
