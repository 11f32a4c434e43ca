# The commands of this house; `make` alone lists them. Each one makes what it needs first.
# Settings: PYTHON=python3.12 · PORT=8080 (demo) · WORKERS=4 and ARGS="-k story" (test)
.DEFAULT_GOAL := help
.PHONY: help env dev system demo test bench chaos negative-proof test-image check schema fmt lock image clean

BIN := .venv/bin
WORKERS ?= 3

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: ## make .venv with the locked versions (instant when nothing changed)
	@.ci/environment runtime

demo: env ## show the whole course live on this machine; PORT=8080 chooses another port
	@$(BIN)/feuilleton demo $(if $(PORT),--port $(PORT))

dev: ## the same .venv with what tests and checks need
	@.ci/environment dev

system: dev ## install what the tests need from the system (a real Chromium), if absent
	@$(BIN)/python -m tests.system

test: system check ## everything that continuous integration runs
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

bench: dev ## how quick it is, as ratios of one run (ONLY=speed LETTERS=20000 ROUNDS=3)
	@$(BIN)/python -m tests.bench

chaos: dev ## a thousand workers killed at random, ten thousand goodbyes against letters (KILLS=1000)
	@$(BIN)/python -m tests.faults.killing
	@RACES=10000 $(BIN)/pytest -q tests/faults/test_races.py

negative-proof: dev ## break the guarantee in five ways and see the tests go red each time
	@$(BIN)/python -m tests.faults.negative_proof

test-image: dev ## build the container image with buildah and start it (root, about two minutes)
	@$(BIN)/python -m tests.system image
	$(BIN)/pytest -m image tests/image $(ARGS)

check: dev schema ## style, types, migrations against the tables, direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_architecture.py

schema: dev ## say whether the migrations make the tables that the code describes
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	export FEUILLETON_DATABASE_URL=sqlite+aiosqlite:///$$folder/check.db && \
	$(BIN)/alembic upgrade head && $(BIN)/alembic check

fmt: dev ## format the code and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: dev ## compile the locks anew; ARGS=--upgrade takes the newest versions
	@.ci/lock $(ARGS)

image: ## build the container image `feuilleton` with docker, podman or buildah
	@.ci/image

clean: ## remove .venv and what tools left behind (never var/, where the data is)
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	find app migrations tests -name __pycache__ -prune -exec rm -rf {} +
