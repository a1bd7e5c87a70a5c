# One verb each. `make run` needs Python 3.11, pip and make, nothing else.

VENV := .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --resolver=backtracking \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --newline=lf

.PHONY: run test check bench assets messages clickhouse requirements clean

run: $(VENV)/.installed assets messages ## start the city; Ctrl-C stops it
	@exec $(BIN)/cityloop up

test: $(VENV)/.installed-dev $(VENV)/stapy/.installed assets messages ## the whole test suite, with real engines
	@$(BIN)/python -m tools.testbed
	$(BIN)/pytest

check: $(VENV)/.installed-dev ## style, types, contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev messages ## measure this machine, every figure beside its limit
	$(BIN)/python -m bench

assets: $(VENV)/.installed ## what the pages load in a browser
	@$(BIN)/python -m tools.assets

messages: $(VENV)/.installed ## compile the translations
	@$(BIN)/python -m tools.compile_messages

clickhouse: $(VENV)/.installed ## the second store of closed days, for CITYLOOP_HISTORY_DSN; 530 MB
	@$(BIN)/python tools/install.py requirements/clickhouse.txt

requirements: $(VENV)/.installed-dev ## pin what requirements/*.in ask for
	cd requirements && for name in base build clickhouse dev stapy; do ../$(COMPILE) --output-file $$name.txt $$name.in || exit 1; done

clean: ## remove what make made; the data folder stays
	rm -rf $(VENV) build src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src -name '*.mo' -delete

# Debian keeps ensurepip in a package of its own; where it is missing, the system's pip fills the environment.
$(BIN)/python:
	@echo "Making the environment ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Cityloop needs Python 3.11 or newer; $(PYTHON) is older. Give one: make run PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip --quiet --python $(BIN)/python install pip; } || { rm -rf $(VENV); \
		echo "No environment could be made. Install pip: apt-get install python3-pip python3-venv"; exit 1; }

$(VENV)/.installed: requirements/base.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "Installing the product ..."
	@$(BIN)/python tools/install.py requirements/build.txt requirements/base.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# A client that pins libraries of its own has an environment of its own.
$(VENV)/stapy/.installed: requirements/stapy.txt | $(BIN)/python
	@$(BIN)/python -m venv --without-pip $(VENV)/stapy
	@$(PIP) --python $(VENV)/stapy/bin/python install --quiet --require-hashes --requirement requirements/stapy.txt
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.installed
	@echo "Installing what tests and checks it ..."
	@$(BIN)/python tools/install.py requirements/dev.txt
	@touch $@
