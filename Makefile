# `make help` lists what there is. Everything runs in .venv, which each target makes when it must.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The user's own zip or tree for `make run`; without it a made-up one is generated.
SOURCE ?=
ROOT ?= work/hub
PORT ?= 8088

.DEFAULT_GOAL := help
.PHONY: help install run test lint bench hub clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

install: $(STAMP) ## make .venv with the tested versions

$(STAMP): setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,serve]'
	touch $@

run: $(STAMP) ## the whole way on made-up data: Hub, dataset, tuning, card, check (SOURCE=... for your own)
	$(BIN)/bogam demo $(if $(SOURCE),--source '$(SOURCE)')

test: lint ## lint, import contracts and the tests, offline, in under 12 minutes
	$(BIN)/python -m pytest -n 2 -m 'not slow'

lint: $(STAMP) ## ruff, mypy and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## the benchmarks, each against its named baseline
	$(BIN)/python -m benchmarks

hub: $(STAMP) ## serve the embedded Hub in ROOT (work/hub) on PORT (8088)
	@[ ! -f '$(ROOT)/../token' ] || echo 'Log in with the token in $(ROOT)/../token'
	$(BIN)/bogam hub serve --root '$(ROOT)' --port $(PORT)

clean: ## remove what can be made again; keeps work/
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
