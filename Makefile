# Two commands matter: `make run` and `make test`. Both do the set-up they need.
SHELL := /bin/bash
PYTHON ?= $(firstword $(wildcard /usr/bin/python3.11) $(shell command -v python3.11))
PORT ?= 8501
DEMO ?= 1
TURNS ?= 20
RUN_PACKAGES := postgresql-15-postgis-3 fonts-noto-cjk fontconfig libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 python3-venv
TEST_PACKAGES := chromium

.DEFAULT_GOAL := help
.PHONY: help setup setup-test run test lint bench soak lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .setup/run-packages .setup/venv  ## Debian packages and the virtual environment

setup-test: setup .setup/test-packages

run: setup  ## set up, then database, demonstration data and app; DEMO=0 for an empty registry
	@exec .venv/bin/sinks up --port $(PORT) $(if $(filter 0,$(DEMO)),,--demo)

test: setup-test  ## set up, then all tests, browser included, and lint
	@# The browser mostly waits, so it goes beside the rest. On a busy machine it can lose a keystroke:
	@# the story is told once more before it counts.
	@{ .venv/bin/python -m pytest -n 2 --dist loadfile -m browser || { echo "Browser tests once more:"; .venv/bin/python -m pytest -m browser; }; } > .setup/browser.log 2>&1 & browser=$$!; \
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not browser"; rest=$$?; \
	make --no-print-directory lint; checked=$$?; \
	wait $$browser; told=$$?; cat .setup/browser.log; exit $$((rest | checked | told))

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: setup  ## how fast it measures and imports, beside other ways; about an hour
	@for bench in tests/bench/bench_*.py; do .venv/bin/python -m tests.bench.$$(basename $$bench .py) || exit 1; done

soak: setup-test  ## laws and crashes again and again, with other chances each time; TURNS=20, an hour or more
	@for turn in $$(seq $(TURNS)); do echo "turn $$turn"; HYPOTHESIS_PROFILE=soak .venv/bin/python -m pytest -q tests/land/test_land_states.py tests/crediting/test_ledger_properties.py tests/methodologies tests/browser/test_crash.py || exit 1; done

lock: setup  ## resolve requirements.in into requirements.lock
	.venv/bin/pip install --quiet --upgrade -r requirements.in
	.venv/bin/pip freeze --all --exclude-editable --exclude pip > requirements.lock

clean:  ## remove what set-up and tests made; data/ stays
	rm -rf .venv .setup .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

# Installs the packages that are missing when root; else says which line to run, and stops.
define debian_packages
	@mkdir -p .setup
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}\n' $$p 2>/dev/null | grep -q '^install ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  line="apt-get install -y --no-install-recommends $$(echo $$missing)"; \
	  if [ "$$(id -u)" = 0 ]; then \
	    apt-get -o DPkg::Lock::Timeout=300 update -q && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 $${line#apt-get }; \
	  else \
	    echo "Missing Debian packages. Run this once, then again make:"; echo "  sudo $$line"; exit 1; \
	  fi; \
	fi
	@touch $@
endef

.setup/run-packages: Makefile
	$(call debian_packages,$(RUN_PACKAGES))

.setup/test-packages: Makefile
	$(call debian_packages,$(TEST_PACKAGES))

.setup/venv: requirements.lock pyproject.toml .setup/run-packages
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
