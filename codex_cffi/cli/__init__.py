"""The command ``codex-cffi``.

Nothing here loads the engine before a command needs it: explaining itself must not take longer than it takes to read. Each command is a module of its name.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .. import __version__

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status, one of :class:`codex_cffi.cli._exit.Exit`.

    Args:
        arguments: The words after the command's name. Default: those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["--version"], ["-V"]):
        sys.stdout.write(f"codex-cffi {__version__}\n")
        return 0
    try:
        from ._app import run
    except ImportError as error:
        if error.name not in ("cyclopts", "rich"):
            raise
        sys.stderr.write(
            "codex-cffi: the command needs cyclopts and rich; install them with: pip install 'codex-cffi[cli]'\n"
        )
        return 2
    return run(words)
