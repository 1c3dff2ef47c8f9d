"""Code mode: our JavaScript runtime in the process beside upstream's host program with V8, both driven from Rust."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from . import rust
from .harness import ROOT, Bench, Name, Row, cache_folder

_FIND = "import importlib.util; print(importlib.util.find_spec('codex_cli_bin').submodule_search_locations[0])"
_SIDES: dict[str, Name] = {"QuickJS, in process": "ours", "V8, upstream's program": "official"}


def code_mode(bench: Bench) -> list[Row]:
    """Starting sessions and scripts, calls of tools from a script, computing, formatting; in computing V8 is ahead."""
    official = next(side for side in bench.libraries if side.name == "official")
    found = subprocess.run(
        [official.program, "-c", _FIND],
        env=official.environment(bench.new_home()),
        cwd=bench.folder,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        check=True,
    )
    program = Path(found.stdout.strip()) / "bin" / "codex-code-mode-host"
    environment = {**os.environ, "CODEX_CODE_MODE_HOST_PATH": str(program)}
    result = subprocess.run(
        [_built(), "--json"], env=environment, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, check=True
    )
    sides = {side.name: side for side in bench.libraries}
    rows = []
    for label, samples in json.loads(result.stdout).items():
        row = Row(f"code mode: {label}", "ms")
        for name, milliseconds in samples.items():
            for value in milliseconds:
                row.add(sides[_SIDES[name]], value)
        rows.append(row)
    return rows


def _built() -> Path:
    """The program, built as the one of `rust` is; quick when nothing has changed."""
    script = rust.build_script()
    target = cache_folder() / "target"
    script.configure_cargo(target)
    profile = rust.profile()
    command = ["cargo", "build", "--locked", "--profile", profile, *rust.PACKAGES]
    command += ["-p", "codex-capi-code-mode-tests", "--example", "code_mode_speed"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    subprocess.run(command, cwd=ROOT / "rust-shim", env=environment, check=True)
    built: Path = target / script.PROFILES[profile] / "examples" / "code_mode_speed"
    return built
