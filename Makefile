# The course's commands. `make help` lists them; each sets up the environment when it is missing or out of date.

PYTHON ?= python3
VENV ?= .venv
CORPUS ?= synthetic
GPU ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := $(VENV)/.tools
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# The two builds of TensorFlow share files, so one must go before the other comes.
CUDA_BUILD = $(BIN)/python -m pip uninstall --quiet --yes tensorflow-cpu \
  && $(INSTALL) --force-reinstall --no-deps tensorflow && $(INSTALL) 'tensorflow[and-cuda]'

.DEFAULT_GOAL := help
.PHONY: help env run test test-all coverage lab lesson notebooks student bench lint

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

env: $(READY)  ## set up the environment (GPU=1: once, for a CUDA build of TensorFlow)
	$(if $(GPU),@touch $(VENV)/.gpu && $(CUDA_BUILD))

$(READY): pyproject.toml constraints.txt no-deps.txt
	@echo "Setting up $(VENV), once: this takes a few minutes."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --editable '.[course]'
	@$(INSTALL) --no-deps --requirement no-deps.txt
	@if [ -e $(VENV)/.gpu ]; then $(CUDA_BUILD); fi
	@touch $@

$(TOOLS): $(READY)
	@$(INSTALL) --editable '.[test]'
	@touch $@

run: $(READY)  ## execute the course (CORPUS=synthetic|auto|ravdess) and print the leaderboard
	@$(BIN)/ser run --corpus $(CORPUS)

test: $(TOOLS)  ## unit, contract, notebook and browser tests, without the slow ones; lessons with little training
	$(BIN)/python -m pytest -n 2 --dist loadfile --nbval-lax -m "not slow"

coverage: $(TOOLS)  ## all tests, the slow ones too, and which lines they reach
	$(BIN)/python -m pytest -n 2 --dist loadfile --nbval-lax --cov=ser_helpers --cov-report=term

FULL := $(CURDIR)/build/full
test-all: coverage  ## all of that, the lessons in full, their scores, the ready models, and real speech where it is (an hour)
	rm -rf $(FULL)
	SER_BUILD_HOME=$(FULL) SER_MODELS_HOME=$(FULL)/no-models $(BIN)/ser run --corpus synthetic
	SER_FULL_RUN=$(FULL) $(BIN)/python -m pytest tests/notebooks/test_full_run.py
	$(BIN)/python -m pytest -n 2 --dist loadfile -m real
	$(BIN)/python tools/ready_models.py

lab: $(READY)  ## open JupyterLab
	$(BIN)/jupyter lab notebooks

lesson: $(READY)  ## run one lesson: make lesson N=04
	$(if $(N),,$(error Which lesson? For example: make lesson N=04))
	@$(BIN)/ser run --corpus $(CORPUS) $(N)

notebooks: CORPUS = auto
notebooks: $(READY)  ## execute all lessons and store their outputs (CORPUS=ravdess for real speech)
	$(BIN)/ser notebooks --corpus $(CORPUS) $(N)
	$(BIN)/ser leaderboard --readme

student: $(READY)  ## write copies without solutions to build/student
	$(BIN)/ser student

bench: $(TOOLS)  ## measure speed, as ratios in one run
	$(BIN)/python -m benchmarks

lint: $(TOOLS)  ## ruff and the import rules
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports
