#!/usr/bin/env python3
"""Builds what the package loads: `codex_cffi/_ffi.py`, the library and its sandbox helper.

    python build_ffi.py                     development profile: quick to build
    python build_ffi.py --profile release   what wheels carry: small, about as long to build again after every change
    python build_ffi.py --ffi-only          only codex_cffi/_ffi.py, for use with a library from elsewhere (CODEX_CFFI_LIBRARY)
    CODEX_RUST_ROOT=~/codex/codex-rs python build_ffi.py
                                            against a checkout of codex-rs instead of the crates from the registry

Cargo's target folder and the staged crates live in ${CODEX_CFFI_CACHE:-~/.cache/codex-cffi}, outside of the checkout.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent
HEADER = ROOT / "csrc" / "codex_capi.h"
WORKSPACE = ROOT / "rust-shim"
PACKAGE = ROOT / "codex_cffi"
NATIVE = PACKAGE / "_native"

PROFILES = {"dev": "debug", "release": "release"}  # Cargo's name of the profile, and of its output folder
LIBRARY = {"darwin": "libcodex_capi.dylib", "win32": "codex_capi.dll"}.get(sys.platform, "libcodex_capi.so")
# The name that the engine starts the helper by, and that terminals look it up by.
HELPER = "codex-linux-sandbox.exe" if sys.platform == "win32" else "codex-linux-sandbox"
_CARGO_HELPER = "codex-cffi-helper.exe" if sys.platform == "win32" else "codex-cffi-helper"


class BuildError(Exception):
    """The build cannot go on; the message says what to do."""


def cache_folder() -> Path:
    """Where Cargo's target folder and the staged crates are kept between builds and checkouts."""
    configured = os.environ.get("CODEX_CFFI_CACHE")
    if configured:
        return Path(configured).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "codex-cffi"


def build_ffi_module() -> None:
    """Makes `codex_cffi/_ffi.py` from the header (cffi, out-of-line ABI mode: no compiler, any Python)."""
    import cffi

    ffi = cffi.FFI()
    ffi.cdef(_declarations(HEADER.read_text()))
    ffi.set_source("codex_cffi._ffi", None)
    target = PACKAGE / "_ffi.py"
    fresh = target.with_suffix(".py.new")
    ffi.emit_python_code(str(fresh))
    functions = tuple(re.findall(r"\b(codex_\w+)\(", _declarations(HEADER.read_text())))
    digest = hashlib.sha256(HEADER.read_bytes()).hexdigest()
    with fresh.open("a") as module:
        module.write(f"\n# SHA-256 of the codex_capi.h that this was made from.\nHEADER_SHA256 = {digest!r}\n")
        module.write(f"\n# The functions that it declares.\nFUNCTIONS = {functions!r}\n")
    os.replace(fresh, target)


def _declarations(header: str) -> str:
    """The header as cffi reads it: no comments, no preprocessor but integer constants, no extern "C"."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
    lines = [
        line for line in text.splitlines() if not line.startswith("#") or re.match(r"#define CODEX_\w+ \d+$", line)
    ]
    return "\n".join(lines)


def build_library(profile: str) -> None:
    """Runs Cargo and puts the library and the helper into the package."""
    if shutil.which("cargo") is None:
        raise BuildError("cargo was not found; install Rust (rustup) 1.95 or newer")
    checkout = os.environ.get("CODEX_RUST_ROOT")
    if checkout:
        workspace = _edits().stage_checkout(Path(checkout).expanduser().resolve(), cache_folder() / "checkout", ROOT)
        target = cache_folder() / "target-checkout"
        lock = []  # the checkout's own lock file decides, and has to take in the shim's crates
    else:
        workspace = WORKSPACE
        target = cache_folder() / "target"
        configure_cargo(target)
        lock = ["--locked"]
    command = ["cargo", "build", *lock, "--profile", profile, "-p", "codex-capi", "-p", "codex-cffi-helper"]
    print("+", " ".join(command), flush=True)
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    if subprocess.run(command, cwd=workspace, env=environment).returncode != 0:
        raise BuildError("cargo build failed; its messages are above")
    built = target / PROFILES[profile]
    NATIVE.mkdir(exist_ok=True)
    _place(built / LIBRARY, NATIVE / LIBRARY)
    _place(built / _CARGO_HELPER, NATIVE / HELPER)


def configure_cargo(target: Path) -> None:
    """Stages the edited crates and tells Cargo of them, so that a plain `cargo build` in rust-shim works too."""
    staged = _edits().stage(cache_folder() / "engine")
    lines = ["# Made by build_ffi.py.", "[build]", f"target-dir = {json.dumps(str(target))}", "", "[patch.crates-io]"]
    for upstream, (package, folder) in staged.items():
        lines.append(f"{upstream} = {{ package = {json.dumps(package)}, path = {json.dumps(str(folder))} }}")
    # Compression from the crates' own sources, so that the library needs nothing of the system but the C library.
    lines += ["", "[env]", 'LZMA_API_STATIC = "1"', 'BZIP2_NO_PKG_CONFIG = "1"']
    config = WORKSPACE / ".cargo" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not config.exists() or config.read_text() != text:
        config.write_text(text)


def _edits() -> ModuleType:
    path = WORKSPACE / "engine-edits" / "apply.py"
    spec = importlib.util.spec_from_file_location("engine_edits", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _place(source: Path, target: Path) -> None:
    """A new file each time: a running process keeps the one it has mapped."""
    if target.exists() and target.samefile(source):
        return
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        os.link(source, fresh)  # the development library is 200 MB
    except OSError:
        shutil.copy2(source, fresh)
    os.replace(fresh, target)


def build(profile: str = "dev") -> None:
    """Everything the package needs."""
    build_ffi_module()
    build_library(profile)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="dev")
    parser.add_argument("--ffi-only", action="store_true", help="only codex_cffi/_ffi.py")
    parser.add_argument(
        "--configure-only", action="store_true", help="only stage the edited crates and configure Cargo"
    )
    arguments = parser.parse_args()
    try:
        if arguments.configure_only:
            configure_cargo(cache_folder() / "target")
        elif arguments.ffi_only:
            build_ffi_module()
        else:
            build(arguments.profile)
    except Exception as error:
        if type(error).__name__ in ("BuildError", "EditError"):
            print(f"build_ffi.py: {error}", file=sys.stderr)
            return 1
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
