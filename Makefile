# Two commands do everything, on a machine with Rust, Python 3.10+ and a C compiler:
#   make demo    builds into .venv and shows an agent at work, without a key
#   make test    builds likewise and runs all tests
# The first build compiles the whole engine, about half an hour on two cores; later ones are short.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test hosts-test mcp-test build rust-test system-tools browser format lint types wheel docs docs-serve clean

demo: build
	$(BIN)/codex-cffi demo $(ARGS)

test: build browser $(VENV)/mcp-servers-ready rust-test
	$(BIN)/python -m pytest $(ARGS)

# The tests of tests/hosts with all that they can use; those of the extra `test` run in `make test` too.
hosts-test: build
	$(BIN)/python scripts/dependencies.py hosts > $(VENV)/hosts-requirements.txt
	$(PIP) install --constraint constraints.txt --requirement $(VENV)/hosts-requirements.txt
	$(BIN)/python -m pytest tests/hosts $(ARGS)

# The tests of MCP servers, those of other makers among them.
mcp-test: build $(VENV)/mcp-servers-ready
	$(BIN)/python -m pytest tests/mcp_servers tests/test_mcp.py tests/security/test_hostile_mcp.py $(ARGS)

$(VENV)/mcp-servers-ready: $(VENV)/ready scripts/mcp-servers.sh tests/mcp_servers/npm/package-lock.json
	sh scripts/mcp-servers.sh $(BIN)/python $(VENV)/mcp-servers
	touch $@

# Python packages in the versions of constraints.txt, the library, and the package itself, editable.
build: system-tools $(VENV)/ready
	$(BIN)/python build_ffi.py
	$(PIP) install --no-build-isolation --no-deps --editable .

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt setuptools cffi 'tomli; python_version < "3.11"'
	$(BIN)/python scripts/dependencies.py > $(VENV)/requirements.txt
	$(PIP) install --constraint constraints.txt --requirement $(VENV)/requirements.txt
	touch $@

system-tools:
	sh scripts/system-tools.sh

browser: system-tools
	sh scripts/system-tools.sh browser

# The queue's tests, its models under loom, those of code mode, and the unit tests of the other crates.
rust-test: $(VENV)/ready
	sh scripts/rust-test.sh

format:
	cd rust-shim && cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: build
	$(BIN)/python -m build --wheel --no-isolation

# The documentation's site, in site/; `make docs-serve` shows it and follows changes.
docs: $(VENV)/docs-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(VENV)/docs-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

$(VENV)/docs-ready: $(VENV)/ready
	$(BIN)/python scripts/dependencies.py docs > $(VENV)/docs-requirements.txt
	$(PIP) install --constraint constraints.txt --requirement $(VENV)/docs-requirements.txt
	touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info codex_cffi/_native codex_cffi/_ffi.py rust-shim/.cargo

lint: build
	sh scripts/lint.sh

types: build
	$(BIN)/mypy
	$(BIN)/mypy typing_tests
	$(BIN)/pyright --pythonpath $(BIN)/python
