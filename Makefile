# One command each: run, test, bench. Needs make and a Python ≥ 3.11, nothing else.
#
#   make run                                                      one item a batch against batches, with verdicts
#   make run ARGS="window.max_size=64 load.rate_per_s=50000"      one run of your own
#   PYTHON=/path/to/python3.12 make test

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV  := .venv
PY    := $(VENV)/bin/python
PIP   := $(PY) -m pip install --quiet --disable-pip-version-check --no-input
LOCKS := run dev bench
UV    := build/lock-venv/bin/uv
ARGS  ?=
TESTS ?=
PYTHON ?=

EXPERIMENTS := before_after window_tuning overflow overflow_choice poison redrive decompression_bomb alerting

comma := ,
space := $(subst ,, )

.PHONY: help run acceptance test lint bench lock clean

help: ## This list.
	@awk -F ': .*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## Before and after batching, on the embedded default, under a minute (ARGS="key=value …": a run of your own).
	@$(PY) -m ingestexp $(or $(ARGS),+experiment=before_after) || test $$? -eq 1 # not PASS is an answer, not an error of make

acceptance: $(VENV)/run.stamp ## All acceptance experiments, five to six minutes, and one table of their criteria.
	@$(PY) -m ingestexp +experiment=$(subst $(space),$(comma),$(EXPERIMENTS)) sweep.resume=false $(ARGS)

test: lint ## Style, types, layers and all tests (TESTS=tests/core to run some).
	$(PY) -m pytest --numprocesses auto --dist loadgroup $(TESTS)

lint: $(VENV)/dev.stamp ## Style, types and layers only.
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/bench.stamp ## The figures, as a table and as JSON under runs/bench/ (ARGS="name …" to run some).
	$(PY) -m tests.benchmarks $(ARGS)

# -- environment -------------------------------------------------------------------------------------
# A stamp says what was installed from which lock; each lock holds the one before it, at equal versions.

$(VENV)/run.stamp $(VENV)/dev.stamp $(VENV)/bench.stamp: $(VENV)/%.stamp: requirements/%.lock pyproject.toml | $(PY)
	@echo "installing requirements/$*.lock into $(VENV)" >&2
	@$(PIP) --require-hashes --requirement requirements/$*.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(PY):
	@fits='import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'; \
	python='$(PYTHON)'; \
	for each in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	  test -n "$$python" && break; \
	  "$$each" -c "$$fits" 2>/dev/null && python=$$each; \
	done; \
	"$${python:-false}" -c "$$fits" 2>/dev/null || { \
	  echo "$${python:-What is on the PATH} is not a Python 3.11 or newer with its venv module." >&2; \
	  echo "Install one (Debian, Ubuntu: python3 python3-venv) or name it: make PYTHON=/path/to/python3.12 …" >&2; \
	  exit 2; }; \
	"$$python" -m venv $(VENV)

# Resolved in one go for every supported Python and platform, then cut down: one version of each package everywhere.
lock: $(UV) ## Resolve the dependencies anew into requirements/*.lock.
	@rm -f $(LOCKS:%=requirements/%.lock)
	@set -e; constraint=; \
	for lock in bench dev run; do \
	  group=$$lock; test $$lock = run && group=build; \
	  $(UV) pip compile pyproject.toml --group $$group $$constraint --no-config --universal --python-version 3.11 \
	    --fork-strategy fewest --generate-hashes --custom-compile-command 'make lock' \
	    --quiet --output-file requirements/$$lock.lock; \
	  constraint="--constraint requirements/bench.lock"; \
	done

$(UV):
	@$(MAKE) --no-print-directory $(PY)
	@$(PY) -m venv build/lock-venv
	@build/lock-venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

clean: ## Remove the environment, builds and caches; never runs/.
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find ingestexp tests hydra_plugins -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
