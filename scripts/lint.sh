#!/bin/sh
# Formatting and lints of everything, warnings being errors. Needs `make build` first.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin

"$bin/ruff" format --check .
"$bin/ruff" check .
"$bin/python" scripts/third_party.py --check
cd rust-shim
cargo fmt --all --check
rustfmt --edition 2024 --check code-mode/src/lib.rs engine-edits/*/*.rs
# clippy-driver as the workspace's compiler lints our crates against the dependencies that are built already; `cargo clippy` would check all
# nine hundred of them once more.
RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__ \
    cargo build --locked --workspace
