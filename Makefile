# `make demo` and `make test` do all set-up themselves: a virtual environment with the pinned packages of
# requirements.lock. They need Python 3.11 or newer and nothing else.

PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
BENCH := .venv-bench/.ready

.PHONY: demo test check unit bench instrument predictions kill fuzz lock clean readme picture dashboards preview up down smoke

demo: $(READY)
	@$(BIN)/rulezero demo

test: check unit

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY)
	$(BIN)/pytest

# The second door: compose.yaml, with Locust's page at :8089 and Grafana at :3000. `make down` takes its data too.
up:
	@docker compose up --detach --build --wait
	@echo "Grafana    http://127.0.0.1:3000   Locust     http://127.0.0.1:8089   Prometheus http://127.0.0.1:9090"
	@echo "the shop   http://127.0.0.1:21000  Toxiproxy  http://127.0.0.1:8474   defences   services/config/defences.toml"

down:
	@docker compose down --volumes --timeout 5

# Brings compose.yaml up for real, under a name of its own on the same ports, tries everything once and takes it down.
smoke: $(READY)
	RULEZERO_TEST_COMPOSE=1 $(BIN)/pytest -v tests/compose/test_smoke.py

# Half an hour: a hundred times kill -9 at a random moment; then nothing is left and the next start works.
COUNT ?= 100
SEED ?= 1
kill: $(READY)
	@$(BIN)/python -m campaigns.kill --count $(COUNT) --seed $(SEED)

# A minute: hostile files, environments and requests; every one is accepted, or refused in one line.
fuzz: COUNT = 5000
fuzz: $(READY)
	@$(BIN)/python -m campaigns.fuzz --count $(COUNT) --seed $(SEED)

# What the suite costs beside its peers, in five minutes on a quiet machine; then quote it: python -m benchmarks --markdown.
# The peers get a virtual environment of their own, so that nobody else has them and none changes what is tested.
bench: $(BENCH)
	@.venv-bench/bin/python -m benchmarks

$(BENCH): requirements.lock pyproject.toml
	@rm -rf .venv-bench && $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[bench]'
	@touch $@

# Half an hour on a quiet machine: the line before payment against the laws of queues, into docs/instrument.md.
instrument: $(READY)
	@$(BIN)/python -m benchmarks instrument > docs/instrument.md.new && mv docs/instrument.md.new docs/instrument.md

# Three quarters of an hour a seed on a quiet machine: every closed form beside what was measured, into docs/predictions.md.
SEEDS ?= 3
predictions: $(READY)
	@$(BIN)/python -m campaigns.predictions --seeds $(SEEDS)

# Prints what the README quotes; a test fails when they differ.
readme: $(READY)
	@$(BIN)/rulezero list --markdown

# Draws README's picture from the committed record; with RECORD=runs/... from that one, which is then committed instead.
COMMITTED := docs/records/cascading_failure
RECORD ?= $(COMMITTED)
picture: $(READY)
	@$(BIN)/rulezero picture $(RECORD) --out docs/cascading_failure.svg $(if $(filter-out $(COMMITTED),$(RECORD:%/=%)),--keep $(COMMITTED))

# Writes what Grafana and Prometheus load, from the Python in dashboards/; a test fails when they differ.
dashboards: $(READY)
	@$(BIN)/python -m dashboards build

# Draws every board without Grafana: from a Prometheus that runs, or from the samples in a record of `rulezero run --prometheus`.
PROMETHEUS ?= http://127.0.0.1:9090
preview: $(READY)
	@$(BIN)/python -m dashboards preview --prometheus $(PROMETHEUS)

# Pins every package for every platform and Python from 3.11 on.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev pyproject.toml -o requirements.lock \
		--no-header --no-emit-index-url --upgrade

clean:
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): requirements.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "rulezero needs Python 3.11 or newer, and none is on PATH; install one, or: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "setting up .venv (once)"
	@rm -rf .venv && $(PYTHON) -m venv .venv || { echo "this Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; rm -rf .venv; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
