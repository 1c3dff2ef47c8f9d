"""The Rust side: `rust-shim/engine/examples/turns.rs`, built with the profile of the library that is measured."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from .harness import ROOT, cache_folder, library

#: All packages, though one has the example: what is built for them has then the same features, and is not built once more.
PACKAGES = ("-p", "codex-capi", "-p", "codex-cffi-helper", "-p", "codex-capi-engine")


def driver() -> Path | None:
    """The built program; None, with advice, if there is none."""
    path = _path()
    if not path.is_file():
        print(
            f"There is no {path}, so nothing is driven from Rust. `python -m benchmarks --build-rust` builds it, or\n  {shlex.join(_command())}",
            file=sys.stderr,
        )
        return None
    if path.stat().st_mtime < library().library_path.stat().st_mtime:
        print(
            f"{path} is older than the library: build it again with --build-rust if the engine has changed.",
            file=sys.stderr,
        )
    return path


def build() -> None:
    """Builds it, as build_ffi.py builds the library; with the release profile its linking alone takes many minutes."""
    script = build_script()
    script.configure_cargo(cache_folder() / "target")
    environment = {**os.environ, "CARGO_TARGET_DIR": str(cache_folder() / "target")}
    print("+", shlex.join(_command()), file=sys.stderr, flush=True)
    subprocess.run(_command(), cwd=script.WORKSPACE, env=environment, check=True)


def profile() -> str:
    """Cargo's profile of the library that is measured."""
    # Rust's own name of the optimisation is in it for others than these two.
    return "release" if library().build_info["profile"] == "release" else "dev"


def _path() -> Path:
    return cache_folder() / "target" / build_script().PROFILES[profile()] / "examples" / "turns"


def _command() -> list[str]:
    return ["cargo", "build", "--locked", "--profile", profile(), *PACKAGES, "--example", "turns"]


def build_script() -> Any:
    """build_ffi.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("build_ffi", ROOT / "build_ffi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
