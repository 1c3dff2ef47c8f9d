"""What tests of several folders use: where things are, programs run beside the tests, and a module for each larger helper."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
#: Programs that tests start: MCP servers.
SUPPORT = TESTS / "support"
NATIVE = ROOT / "codex_cffi" / "_native"
#: `PYTHONPATH` of programs that import the package, this one and the attacks of security/.
WITH_TESTS = os.pathsep.join(map(str, (ROOT, TESTS, TESTS / "security")))
#: Where Rust and its cache are; tests have a scratch home.
REAL_HOME = os.environ["HOME"]

#: What the fixture `make_codex` gives.
MakeCodex = Callable[..., Any]


def need(program: str, package: str) -> None:
    """Skips a test whose program is missing, saying how to get it; under CI that is a failure."""
    if shutil.which(program) is None:
        message = f"{program} is missing; install it, for example with: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def need_module(name: str, *, extra: str = "test") -> None:
    """Skips a test whose Python package is missing; under CI, which has the extra `test`, that is a failure."""
    if importlib.util.find_spec(name) is None:
        if os.environ.get("CI") and extra == "test":
            pytest.fail(f"{name} is missing, of the extra test")
        pytest.skip(f"needs {name}: make hosts-test")


def need_beside_python(program: str, *, extra: str) -> str:
    """The path of a program that a Python package brings; skips a test whose package is missing."""
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        pytest.skip(f"needs {program}, of the extra {extra}: make hosts-test")
    return str(path)


def run_python(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program in a Python of its own, so that it may import, fork, exit or be killed as it likes."""
    options.setdefault("timeout", 120)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        **options,
    )


def of_tasks(pid: int | str, name: str) -> list[str]:
    """What the system tells of each thread of a process, in files of this name; threads that end meanwhile are left out."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):  # ESRCH or ENOENT: the thread ended
            found.append(Path(f"/proc/{pid}/task/{task}/{name}").read_text())
    return found


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Returns once the condition is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def wait_for_record(caplog: pytest.LogCaptureFixture, text: str) -> logging.LogRecord:
    """A record of the log with this text in it, once it is there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for record in list(caplog.records):
            if text in record.getMessage():
                return record
        time.sleep(0.01)
    raise AssertionError(f"no message with {text!r} in {[record.getMessage() for record in caplog.records]}")
