"""What is recorded of threads, as lists and :meth:`Sessions.read` give it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .turn import Turn

__all__ = ["ThreadInfo", "ThreadRecord", "ThreadSort", "UnreadLine"]

#: What lists are sorted by.
ThreadSort = Literal["updated_at", "created_at"]


@dataclass(frozen=True)
class ThreadInfo:
    """A thread in a list.

    Attributes:
        id: What :meth:`Codex.resume_thread` takes.
        name: The name that was given to it, if one was.
        preview: The beginning of the first user message.
        working_directory: Where it worked.
        created_at: When it was started.
        updated_at: When it was used last.
        model_provider: Id of its model provider.
        source: Where it comes from: ``cli``, ``exec`` (this package too), ``vscode``, ``appServer``, ``subAgent`` or another.
        path: Its session file; None where there is none.
        cli_version: Version of the engine that started it.
        forked_from: Id of the thread that it was forked from.
        parent: Id of the thread whose sub-agent it is.
        git: ``branch``, ``sha`` and ``originUrl`` of its repository, as far as known.
        snippet: The text that was found, in a search.
    """

    id: str
    name: str | None
    preview: str
    working_directory: str
    created_at: datetime
    updated_at: datetime
    model_provider: str
    source: str
    path: Path | None
    cli_version: str
    forked_from: str | None = None
    parent: str | None = None
    git: dict[str, str] | None = None
    snippet: str | None = None

    def __str__(self) -> str:
        return f"{self.id} {self.name or self.preview}"


@dataclass(frozen=True)
class UnreadLine:
    """A line of a session file that could not be read, or not all of it.

    Attributes:
        line: Which one, counted from 1.
        reason: Why, for a person; without what the line says.
    """

    line: int
    reason: str


@dataclass(frozen=True)
class ThreadRecord(ThreadInfo):
    """A thread with what was said and done.

    Attributes:
        turns: Its turns with their items; what they used is not recorded. A turn that was cut off, by a crash for instance, is ``interrupted``.
        unread_lines: Lines of its session file that could not be read, for they are a newer program's or damaged; the rest is here.
    """

    turns: tuple[Turn[None], ...] = ()
    unread_lines: tuple[UnreadLine, ...] = ()
