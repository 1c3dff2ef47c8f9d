"""How a turn is told: to a person, or as JSON lines."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .. import Event, Thread, Turn
    from ..approvals import ApprovalHandler

__all__ = ["Output", "output"]


class Output:
    """Is told of a turn, between its start and its end; used with ``with``."""

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def approvals(self) -> ApprovalHandler | None:
        """Asks a person about what the agent wants; None where there is nobody."""
        return None

    def thread_started(self, thread: Thread) -> None:
        """The thread is there; its turn begins."""

    def event(self, event: Event) -> None:
        """Something happened."""

    def failed(self, message: str) -> None:
        """The turn cannot go on, or its answer cannot be used."""

    def answer(self, turn: Turn[Any]) -> None:
        """The turn was completed."""

    def close(self) -> None:
        """Nothing more will be told."""


def output(json: Literal["exec", "full"] | None) -> Output:
    """The output of a command: JSON lines, or what a person reads."""
    if json is not None:
        return _Json(json)
    if os.environ.get("TERM") == "dumb" and sys.stdout.isatty():
        from ._plain import Plain

        return Plain()
    from ._screen import Screen

    return Screen()


class _Json(Output):
    def __init__(self, form: Literal["exec", "full"]) -> None:
        from ._json_lines import ExecLines, FullLines

        self._lines = ExecLines(_write_line) if form == "exec" else FullLines(_write_line)

    def thread_started(self, thread: Thread) -> None:
        self._lines.thread_started(thread.id)

    def event(self, event: Event) -> None:
        self._lines.event(event)

    def failed(self, message: str) -> None:
        self._lines.failed(message)


def _write_line(line: str) -> None:
    """At once: whoever reads the pipe waits for it. In UTF-8, as JSON is, whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()
