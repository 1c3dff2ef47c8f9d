#!/usr/bin/env python3
"""Runs the core part of the tests under every Python of this machine, from 3.10 on, each in an environment of its own.

    python scripts/pythons.py                 all that are found; the others are named
    python scripts/pythons.py 3.10 3.14t      these
    python scripts/pythons.py --list          only tells which are found, and where

Looked for in PYTHONS (paths of interpreters, with colons between them), on PATH (`python3.10`, ...), among pyenv's, and in the cache, where
scripts/debian-python.sh puts one. The environments are kept in the cache too, outside of the checkout. Nothing is built again for a Python: the library is
loaded by its path, whichever Python loads it.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.14t")
#: What is run under each.
CORE = ("tests/core", "tests/serving", "tests/hosts/test_runners.py", "tests/test_output.py", "tests/test_sessions.py")
_ASK = """
import platform, sys, sysconfig, venv
kind = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print("%d.%d" % sys.version_info[:2] + kind, platform.python_version() + kind)
"""


def cache_folder() -> Path:
    """Where interpreters and environments are kept; `CODEX_CFFI_CACHE` moves it, as it does for the build."""
    cache = os.environ.get("CODEX_CFFI_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "codex-cffi"
    return Path(cache).expanduser().resolve() / "pythons"


def find() -> dict[str, tuple[Path, str]]:
    """The interpreters of this machine: path and whole version, by version, the oldest first."""
    found: dict[str, tuple[Path, str]] = {}
    for path in _candidates():
        try:
            said = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, timeout=60)
        except OSError:
            continue
        if said.returncode == 0:  # pyenv's shims fail for versions that are not switched on
            version, whole = said.stdout.split()
            found.setdefault(version, (path, whole))
    return {version: found[version] for version in VERSIONS if version in found}


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    yield from map(Path, filter(None, os.environ.get("PYTHONS", "").split(":")))
    for version in VERSIONS:
        on_path = shutil.which(f"python{version}")
        if on_path:
            yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    for folder in (pyenv / "versions", cache_folder()):
        yield from sorted(folder.glob("3.*/bin/python3"), reverse=True)
        yield from sorted(folder.glob("3.*/usr/bin/python3.*"), reverse=True)


def environment(python: Path, whole: str, *extras: str) -> Path:
    """The interpreter of an environment with what the package and extras of it need, in the tested versions.

    Raises:
        subprocess.CalledProcessError: It cannot be made; pip has said why.
    """
    constraints = ROOT / "constraints.txt"
    needs = subprocess.run(
        [sys.executable, ROOT / "scripts" / "dependencies.py", "package", *extras],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    folder = cache_folder() / "-".join(("env", whole, *extras))
    folder.mkdir(parents=True, exist_ok=True)
    inside = folder / "bin" / "python"
    what = hashlib.sha256("\n".join((str(python), needs, constraints.read_text())).encode()).hexdigest()
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another checkout may be at it too
        ready = folder / "ready"
        if not ready.exists() or ready.read_text() != what:
            subprocess.run([python, "-m", "venv", "--clear", "--without-pip", folder], check=True)
            (folder / "requirements.txt").write_text(needs)
            install(inside, "--constraint", constraints, "--requirement", folder / "requirements.txt")
            ready.write_text(what)
    return inside


def install(python: Path, *arguments: str | Path) -> None:
    """Runs this Python's `pip install` for another one.

    Raises:
        subprocess.CalledProcessError: It failed, and has said why.
    """
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", python]
    # Of pip's own modules, where they are older than the other Python.
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    subprocess.run([*pip, "install", *arguments], check=True, env=quiet)


def run(version: str, python: Path, whole: str) -> str:
    """Runs the tests; what came of it."""
    began = time.monotonic()
    try:
        inside = environment(python, whole, "cli", "examples", "test")
    except subprocess.CalledProcessError:
        return "failed: what the tests need cannot be installed"
    ready = time.monotonic()
    command = [inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CORE]
    status = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode
    took = f"in {time.monotonic() - ready:.0f} s, after {ready - began:.0f} s of installing"
    return f"{'failed' if status else 'passed'} {took}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=", ".join(VERSIONS))
    parser.add_argument("--list", action="store_true", help="run nothing")
    options = parser.parse_args()
    unknown = set(options.versions) - set(VERSIONS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(VERSIONS)}")
    found = find()
    results = {}
    for version in options.versions or VERSIONS:
        if version not in found:
            results[version] = "not found on this machine"
            continue
        python, whole = found[version]
        print(f"== Python {whole}: {python}", flush=True)
        results[version] = str(python) if options.list else run(version, python, whole)
    print("\n".join(f"Python {version:5} {result}" for version, result in results.items()))
    return int(any(result.startswith("failed") for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
