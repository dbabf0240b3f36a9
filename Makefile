# One line says what each target runs; `make help` lists them.
ENV ?= tst
PYTHON ?= python3
N ?= 1000000
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help venv parts up bed bed-down lint test soak-check bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: ## make .venv with the pinned dependencies
	@$(PYTHON) -m tools.venv

up: venv ## bring an environment up on this machine: make up, make up ENV=prd
	@$(RUN) -m tools.build pulumi
	@$(RUN) -m tools.up --environment $(ENV)

bed: venv ## run the whole loop here: Git, a management cluster, a tenant: make bed TENANTS="SITE/CLUSTER ..."
	@$(RUN) -m tools.build all
	@$(RUN) -m tests.bed up $(TENANTS)

bed-down: ## end exactly what make bed started; its data stays
	@$(RUN) -m tests.bed down

parts: venv ## build the real parts the tests start: Pulumi, a control plane, Flux, sops, Helm
	@$(RUN) -m tools.build all

lint: venv ## check style, formatting, types and floors
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --quiet --check .
	@.venv/bin/mypy --no-error-summary
	@mkdir -p build/logs
	@.venv/bin/lint-imports > build/logs/lint-imports.log || { cat build/logs/lint-imports.log; exit 1; }

test: venv parts lint ## build the parts, then run every check and every test
	@$(RUN) -m pytest --numprocesses 2 --dist loadgroup

soak-check: venv ## run random rollout histories for long: make soak-check N=1000000
	@SCHIFF_HISTORY_STEPS=$(N) $(RUN) -m pytest -q -p no:xdist tests/properties/test_rollout.py

bench: venv ## measure the figures of the design: make bench ARGS="--rows schemas"
	@$(RUN) -m tools.build pulumi
	@$(RUN) -m bench.figures $(ARGS)

clean: ## remove what was built; .schiff with its state stays
	@rm -rf build .venv
