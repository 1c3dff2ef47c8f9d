# Two commands do everything, on a machine with Rust, Python 3.10+ and a C compiler:
#   make demo    builds into .venv and shows an agent at work, without a key
#   make test    builds likewise and runs all tests
# The first build compiles the whole engine, about half an hour on two cores; later ones are short.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test build rust-test system-tools format lint types wheel clean

demo: build
	$(BIN)/codex-cffi demo $(ARGS)

test: build rust-test
	$(BIN)/python -m pytest $(ARGS)

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

# The queue's tests, its models under loom, and the unit tests of the other crates.
rust-test: $(VENV)/ready
	sh scripts/rust-test.sh

format:
	cd rust-shim && cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: build
	$(BIN)/python -m build --wheel --no-isolation

clean:
	rm -rf $(VENV) build dist *.egg-info codex_cffi/_native codex_cffi/_ffi.py rust-shim/.cargo

lint: build
	sh scripts/lint.sh

types: build
	$(BIN)/mypy
	$(BIN)/mypy typing_tests
	$(BIN)/pyright --pythonpath $(BIN)/python
