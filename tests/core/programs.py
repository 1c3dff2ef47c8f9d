"""Programs with an engine in them, that tests start, disturb and look at from outside."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support import ROOT, of_tasks, run_python, wait_until

#: Seconds after which a program that should end by itself hangs.
HANGS = 60

PRELUDE = textwrap.dedent(
    """
    import asyncio, atexit, gc, multiprocessing, os, pathlib, signal, subprocess, sys, threading, time
    from codex_cffi import *
    from codex_cffi import _capi
    from codex_cffi.testing import ScriptedModel, delay, function_call, shell, stall, text

    home, repo = sys.argv[1:3]

    def settings(model, **options):
        return dict(codex_home=home, isolated=True, config=model.provider_config(), **options)

    def free(**options):
        return dict(working_directory=repo, sandbox_mode="danger-full-access", **options)

    class Tripwire:
        '''Does something whenever the library was called, on the thread that called it and before it knows the answer.'''

        def __init__(self, name, act):
            self._lib = _capi.lib
            function = getattr(self._lib, name)

            def call(*arguments):
                status = function(*arguments)
                act(*arguments)
                return status

            setattr(self, name, call)

        def __getattr__(self, name):
            return getattr(self._lib, name)

    def ctrl_c(*arguments):
        _capi.lib = _capi.lib._lib  # once
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.001)  # a Python call, after which the main thread sees the signal
    """
)


def program(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    options.setdefault("timeout", HANGS)
    return run_python(PRELUDE + textwrap.dedent(code), *arguments, **options)


def fine(result: subprocess.CompletedProcess[str]) -> str:
    """Its output, if it ended well and without a word of complaint."""
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> set[str]:
    return {pid for children in of_tasks("self", "children") for pid in children.split()}


@contextmanager
def nothing_left() -> Iterator[None]:
    """Afterwards there are no more descriptors, children or threads of Python than before."""
    gc.collect()
    fds, kids, threads = descriptors(), children(), set(threading.enumerate())
    yield
    gc.collect()
    wait_until(lambda: not children() - kids)
    lasting = {"codex-cffi-log", "codex-cffi-timer"}  # one each of a process
    wait_until(lambda: not {t.name for t in set(threading.enumerate()) - threads} - lasting)
    # The runtime's own, of the process's first client.
    wait_until(lambda: descriptors() <= fds + 8)


def names(pid: int) -> list[str]:
    """Of the threads of a process."""
    return of_tasks(pid, "comm")


def spawn(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
