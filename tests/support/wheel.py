"""A wheel of what is built already."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from . import ROOT

# Rust is left out; the rest is what `pip wheel` does.
SETUP = """
import runpy, sys
sys.path.insert(0, ".")
import build_ffi
build_ffi.build = lambda profile: None
runpy.run_path("setup.py", run_name="__main__")
"""


def make_wheel(folder: Path) -> Path:
    """Makes the package's wheel in a folder, from the library that the checkout has."""
    steps = [
        *("egg_info", "--egg-base", folder),
        *("build", "--build-base", folder / "build"),
        *("bdist_wheel", "--bdist-dir", folder / "bdist", "--dist-dir", folder, "--compression", "stored"),
    ]
    result = subprocess.run(
        [sys.executable, "-c", SETUP, *map(str, steps)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel
