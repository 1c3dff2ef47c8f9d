"""Where the command writes: colours, characters, pipes that close early."""

from __future__ import annotations

import io
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "confirmed",
    "console",
    "errors",
    "is_interactive",
    "print_error",
    "print_hint",
    "unicode",
    "use_color",
    "write",
]


#: ``--color``: None leaves it to the terminal.
_color: bool | None = None


def use_color(color: str) -> None:
    """Follows ``--color``: ``auto``, ``always`` or ``never``; before anything is written."""
    global _color
    _color = {"always": True, "never": False}.get(color)


@cache
def console() -> Console:
    """Writes to standard output: with colours only to a terminal, and unless ``NO_COLOR`` is set (https://no-color.org)."""
    return _console(sys.stdout)


@cache
def errors() -> Console:
    """Writes to standard error."""
    return _console(sys.stderr)


def is_interactive() -> bool:
    """Whether a person can be asked: input and the answers' place are terminals."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def confirmed(question: str) -> bool:
    """Asks the person at the terminal; no is the default, and the answer where there is nobody."""
    if not is_interactive():
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def unicode(stream: TextIO) -> bool:
    """Whether the stream takes more than ASCII."""
    try:
        "…✔─".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def print_error(message: str, hint: str | None = None) -> None:
    """Says what went wrong, and what to do about it, on standard error."""
    from rich.text import Text

    target = errors()
    target.print(Text.assemble(("codex-cffi: ", "bold red"), message), soft_wrap=True)
    if hint:
        print_hint(hint)


def print_hint(hint: str) -> None:
    """Says what to do, on standard error."""
    from rich.text import Text

    errors().print(Text.assemble(("      hint: ", "bold"), hint), soft_wrap=True)


def write(text: str) -> None:
    """Writes a text to standard output at once; what its encoding does not have becomes a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    if isinstance(stream, io.TextIOWrapper) and not unicode(stream):
        stream.reconfigure(errors="replace")  # a question mark is better than no answer
    plain = _color is False or (_color is None and os.environ.get("TERM") == "dumb")
    return Console(
        file=stream,
        highlight=False,
        safe_box=True,
        no_color=True if plain else False if _color else None,
        force_terminal=True if _color else None,
    )
