# Two commands for everybody: `make demo` and `make test`. Each sets itself up in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
RUN    := $(BIN)/python -m

.PHONY: demo test lint format bench docs lock clean

demo: $(STAMP)
	$(BIN)/mobility demo

test: $(STAMP)
	$(RUN) mobility warmup
	$(RUN) pytest -n auto --dist loadfile

lint: $(STAMP)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) pytest -q tests/test_architecture.py tests/test_docstrings.py

format: $(STAMP)
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

bench: $(STAMP)
	$(RUN) pip install -q -c requirements.lock --group bench
	$(RUN) benchmarks

docs: $(STAMP)
	$(RUN) pip install -q -c requirements.lock --group docs
	$(RUN) mobility.cli.reference docs/cli.md
	$(RUN) mkdocs build --strict

# Write the lock anew: the newest versions that fit pyproject.toml, tested together.
lock:
	$(PYTHON) -m venv $(VENV)/.lock
	$(VENV)/.lock/bin/python -m pip install -q --upgrade pip
	$(VENV)/.lock/bin/python -m pip install -q -e . --group dev --group docs --group bench
	{ echo "# Versions tested together (Linux, Python 3.11); made by \`make lock\`, used by make as constraints."; \
	  $(VENV)/.lock/bin/python -m pip freeze --exclude-editable; } > requirements.lock
	rm -rf $(VENV)/.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist site mobility-demo

# Re-made only when what it was made from changes. A newer Python that lacks a locked wheel falls
# back to the unpinned install, and says so.
$(STAMP): pyproject.toml requirements.lock Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mobility needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(RUN) pip install -q --upgrade 'pip>=25.1'
	$(RUN) pip install -q -c requirements.lock -e . --group dev || \
		{ echo "the locked versions do not install here: trying the newest ones"; \
		  $(RUN) pip install -q -e . --group dev; }
	@touch $(STAMP)
