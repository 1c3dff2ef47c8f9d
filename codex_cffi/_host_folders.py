"""The folders of this process that no sandboxed command may change: what Python and the package are loaded from, and the codex home."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def codex_home(given: str | None) -> Path:
    """The codex home, as the library chooses it."""
    chosen = given or os.environ.get("CODEX_HOME") or os.path.join(os.path.expanduser("~"), ".codex")
    return Path(os.path.abspath(chosen))


def program_folders() -> dict[str, Any]:
    """The client's options that name them."""
    code = [os.path.dirname(os.path.abspath(__file__))]
    standard = getattr(os, "__file__", None)
    if standard is not None:  # it is not, where the modules are frozen
        code.append(os.path.dirname(os.path.abspath(standard)))
    code += [entry for entry in sys.path if os.path.basename(entry) in {"site-packages", "dist-packages"}]
    if sys.pycache_prefix is not None:
        code.append(os.path.abspath(sys.pycache_prefix))
    if sys.executable:
        code.append(os.path.dirname(os.path.abspath(sys.executable)))
    prefixes = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    return {"program_folders": _absolute(code), "program_prefixes": _absolute(prefixes)}


def _absolute(paths: list[str]) -> list[str]:
    return list(dict.fromkeys(path for path in paths if os.path.isabs(path)))
