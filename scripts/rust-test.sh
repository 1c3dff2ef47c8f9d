#!/bin/sh
# The Rust tests: the queue with its models under loom, code mode, and the unit tests of the other crates.
set -eu
cd "$(dirname "$0")/../rust-shim"
cache=${CODEX_CFFI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/codex-cffi}

cargo test --locked --quiet -p codex-capi-queue
# Another target folder: the flag is part of every crate's identity and would evict the ordinary build.
RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$cache/target-loom" \
    cargo test --locked --quiet --release -p codex-capi-queue --test loom
# Upstream's host program of code mode, which comes with the test extra.
CODEX_CODE_MODE_HOST_PATH=$(../.venv/bin/python -c 'import codex_cli_bin; print(codex_cli_bin.__path__[0])')/bin/codex-code-mode-host
export CODEX_CODE_MODE_HOST_PATH
# In one command, so that all take the dependencies with the same features.
cargo test --locked --quiet -p codex-capi -p codex-capi-engine -p codex-capi-code-mode-tests --lib --tests
