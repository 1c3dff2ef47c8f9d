"""Refuses subinterpreters, before anything else is imported: they end with a fatal error while a thread of ours waits in the library, as for the log."""

from __future__ import annotations

import importlib
from typing import Any


def _refuse_subinterpreters() -> None:
    for name in ("_interpreters", "_xxsubinterpreters"):  # since 3.13, before
        try:
            interpreters: Any = importlib.import_module(name)
        except ImportError:
            continue
        current, main = (
            which[0] if isinstance(which, tuple) else which
            for which in (interpreters.get_current(), interpreters.get_main())
        )
        if current != main:
            raise ImportError(
                "codex_cffi works in Python's main interpreter only, not in a subinterpreter; with Apache's mod_wsgi: WSGIApplicationGroup %{GLOBAL}",
                name="codex_cffi",
            )
        return


_refuse_subinterpreters()
