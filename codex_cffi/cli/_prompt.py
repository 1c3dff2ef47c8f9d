"""What the agent shall do: the argument, standard input, or both."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._exit import CommandError

if TYPE_CHECKING:
    from .. import TurnInput

__all__ = ["STDIN", "turn_input"]

#: The argument ``-``.
STDIN = "\0stdin"

#: Seconds that a pipe gets to have something in it: one that nobody writes to must not keep the turn from starting.
_PATIENCE = 0.2


def turn_input(prompt: str | None, images: Sequence[Path] = ()) -> TurnInput:
    """The input of a turn.

    Without a prompt, or with ``-``, all of standard input is the prompt. With one, what is piped in is added to it.

    Args:
        prompt: The argument.
        images: Files that the model shall see.

    Raises:
        CommandError: There is nothing to do, or no such image.
    """
    text = _text(prompt)
    missing = [path for path in images if not path.is_file()]
    if missing:
        raise CommandError(f"--image: there is no file {missing[0]}")
    if not images:
        return text
    from .. import LocalImage, TextInput

    parts: list[Any] = [LocalImage(path) for path in images]
    return [*parts, TextInput(text)]


def _text(prompt: str | None) -> str:
    piped = sys.stdin is not None and not sys.stdin.isatty()
    if prompt in (None, STDIN):
        if prompt is None and not piped:
            raise CommandError("what shall the agent do?", hint='codex-cffi run "…", or pipe the prompt in')
        text = "" if sys.stdin is None else _decoded(sys.stdin.buffer.read())
        if not text.strip():
            raise CommandError("standard input is empty, and there is no other prompt")
        return text
    assert prompt is not None
    if not prompt.strip():
        raise CommandError("the prompt is empty")
    more = _decoded(_available()) if piped else ""
    return f"{prompt}\n\n<stdin>\n{more.rstrip()}\n</stdin>" if more.strip() else prompt


def _available() -> bytes:
    """What is piped in: all of a file; of a pipe all until its end, if it has anything soon."""
    descriptor = sys.stdin.fileno()
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISCHR(kind):  # /dev/null, mostly
        return b""
    if not stat.S_ISREG(kind) and not select.select([descriptor], [], [], _PATIENCE)[0]:
        return b""
    return sys.stdin.buffer.read()


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")
